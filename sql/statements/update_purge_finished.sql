-- SPDX-License-Identifier: MIT
UPDATE purges SET finished_at = UTC_TIMESTAMP(6) WHERE before_block = ?;
