-- SPDX-License-Identifier: MIT
DELETE FROM blockchain WHERE block = ?;
