-- SPDX-License-Identifier: MIT
DELETE FROM purges WHERE before_block > ?;
