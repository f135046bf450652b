/* SPDX-License-Identifier: MIT */
#include "steem/codec/operations.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NAMED(name_) .name = (name_), .name_len = sizeof(name_) - 1
#define FIELD(name_, type_)                                                                        \
	{                                                                                          \
		NAMED(name_), .type = &(type_)                                                     \
	}
#define ACTS(name_, type_)                                                                         \
	{                                                                                          \
		NAMED(name_), .role = CODEC_ACTING, .type = &(type_)                               \
	}
#define NAMES(name_, type_)                                                                        \
	{                                                                                          \
		NAMED(name_), .role = CODEC_MENTIONED, .type = &(type_)                            \
	}
/* The accounts act, and must sign. */
#define SIGNS(name_, type_, authority_)                                                            \
	{                                                                                          \
		NAMED(name_), .role = CODEC_ACTING, .signs = (authority_), .type = &(type_)        \
	}
#define RAISES(name_, role_, type_, authority_)                                                    \
	{                                                                                          \
		NAMED(name_), .role = (role_), .raises = (authority_), .type = &(type_)            \
	}
#define SHOWN(name_)                                                                               \
	{                                                                                          \
		NAMED(name_)                                                                       \
	}
#define STRUCT_OF(fields_)                                                                         \
	{                                                                                          \
		.kind = CODEC_STRUCT, .fields = (fields_), .field_count = COUNT(fields_)           \
	}
#define PAIR_OF(fields_)                                                                           \
	{                                                                                          \
		.kind = CODEC_PAIR, .fields = (fields_), .field_count = COUNT(fields_)             \
	}
#define VARIANT_OF(fields_)                                                                        \
	{                                                                                          \
		.kind = CODEC_VARIANT, .fields = (fields_), .field_count = COUNT(fields_)          \
	}
#define NAMED_OF(fields_)                                                                          \
	{                                                                                          \
		.kind = CODEC_NAMED, .fields = (fields_), .field_count = COUNT(fields_)            \
	}
#define LIST_OF(type_)                                                                             \
	{                                                                                          \
		.kind = CODEC_LIST, .of = &(type_)                                                 \
	}
#define SET_OF(type_)                                                                              \
	{                                                                                          \
		.kind = CODEC_LIST, .is_sorted = true, .of = &(type_)                              \
	}
#define OPTIONAL_OF(type_)                                                                         \
	{                                                                                          \
		.kind = CODEC_OPTIONAL, .of = &(type_)                                             \
	}

typedef const struct codec_type type_t;
typedef const struct codec_field field_t;

static type_t u16 = {.kind = CODEC_U16};
static type_t u32 = {.kind = CODEC_U32};
static type_t u64 = {.kind = CODEC_U64};
static type_t i64 = {.kind = CODEC_I64};
static type_t boolean = {.kind = CODEC_BOOL};
static type_t seconds = {.kind = CODEC_TIME};
static type_t version = {.kind = CODEC_VERSION};
static type_t text = {.kind = CODEC_TEXT};
static type_t title = {.kind = CODEC_TEXT, .most = 255};
static type_t body = {.kind = CODEC_TEXT, .least = 1};
static type_t memo = {.kind = CODEC_TEXT, .most = 2047};
static type_t url = {.kind = CODEC_TEXT, .least = 1, .most = 2048};
static type_t subject = {.kind = CODEC_TEXT, .least = 1, .most = 80};
static type_t metadata = {.kind = CODEC_TEXT, .rule = CODEC_JSON};
/* steemd's witness plugin refuses a longer one. */
static type_t custom_text = {.kind = CODEC_TEXT, .least = 1, .most = 8192, .rule = CODEC_JSON};
/* What a comment is called, and what others call it: old comments have other permlinks, too. */
static type_t new_permlink = {.kind = CODEC_TEXT, .least = 1, .most = 255, .rule = CODEC_PERMLINK};
static type_t permlink = {.kind = CODEC_TEXT, .least = 1, .most = 255};
static type_t id = {.kind = CODEC_TEXT, .size = 32};
static type_t name = {.kind = CODEC_NAME, .size = 16, .least = 1};
static type_t name_or_none = {.kind = CODEC_NAME, .size = 16};
static type_t h20 = {.kind = CODEC_HEX, .size = 20};
static type_t h32 = {.kind = CODEC_HEX, .size = 32};
static type_t signature = {.kind = CODEC_HEX, .size = SIGNATURE_BYTES};
static type_t bytes = {.kind = CODEC_BYTES};
static type_t custom_bytes = {.kind = CODEC_BYTES, .most = 8192};
static type_t key = {.kind = CODEC_KEY};
static type_t steem = {.kind = CODEC_ASSET, .symbols = CODEC_STEEM};
static type_t some_steem = {.kind = CODEC_ASSET, .symbols = CODEC_STEEM, .least = 1};
static type_t steem_fee = {.kind = CODEC_ASSET, .symbols = CODEC_STEEM, .most = 1000000000};
static type_t sbd = {.kind = CODEC_ASSET, .symbols = CODEC_SBD};
static type_t some_sbd = {.kind = CODEC_ASSET, .symbols = CODEC_SBD, .least = 1};
static type_t vests = {.kind = CODEC_ASSET, .symbols = CODEC_VESTS};
static type_t liquid = {.kind = CODEC_ASSET, .symbols = CODEC_STEEM | CODEC_SBD};
static type_t some_liquid = {.kind = CODEC_ASSET, .symbols = CODEC_STEEM | CODEC_SBD, .least = 1};
static type_t fee_asset = {.kind = CODEC_FEE, .symbols = CODEC_STEEM};
static type_t percent = {.kind = CODEC_PERCENT, .most = 10000};
static type_t percent16 = {.kind = CODEC_U16, .most = 10000};
static type_t weight = {.kind = CODEC_I16, .least = -10000, .most = 10000};
static type_t block_size = {.kind = CODEC_U32, .least = 65536};
static type_t nothing = {.kind = CODEC_VOID};
static type_t extensions = {.kind = CODEC_EMPTY};

static type_t names = SET_OF(name);
static type_t numbers = {.kind = CODEC_LIST, .is_sorted = true, .of = &i64, .least = 1, .most = 5};
static type_t numbers32 = LIST_OF(u32);
static type_t optional_key = OPTIONAL_OF(key);

static field_t price_fields[] = {FIELD("base", some_liquid), FIELD("quote", some_liquid)};
static type_t price = {
	.kind = CODEC_STRUCT, .fields = price_fields, .field_count = 2, .rule = CODEC_PRICE};

static field_t account_auth_fields[] = {FIELD("account", name), FIELD("weight", u16)};
static type_t account_auth = PAIR_OF(account_auth_fields);
static type_t account_auths = SET_OF(account_auth);
static field_t key_auth_fields[] = {FIELD("key", key), FIELD("weight", u16)};
static type_t key_auth = PAIR_OF(key_auth_fields);
static type_t key_auths = SET_OF(key_auth);
static field_t authority_fields[] = {
	FIELD("weight_threshold", u32),
	FIELD("account_auths", account_auths),
	FIELD("key_auths", key_auths),
};
static type_t authority = {
	.kind = CODEC_STRUCT, .fields = authority_fields, .field_count = 3, .rule = CODEC_KEEPERS};
static type_t authorities = LIST_OF(authority);
static type_t optional_authority = OPTIONAL_OF(authority);

static field_t beneficiary_fields[] = {FIELD("account", name), FIELD("weight", percent16)};
static type_t beneficiary = STRUCT_OF(beneficiary_fields);
/* The chain would take 127, but the witnesses' plugin takes 8. */
static type_t beneficiary_list = {.kind = CODEC_LIST,
				  .is_sorted = true,
				  .of = &beneficiary,
				  .least = 1,
				  .most = 8,
				  .rule = CODEC_SHARES};
static field_t beneficiaries_fields[] = {FIELD("beneficiaries", beneficiary_list)};
static type_t beneficiaries = STRUCT_OF(beneficiaries_fields);
static field_t comment_extension_fields[] = {FIELD("comment_payout_beneficiaries", beneficiaries)};
static type_t comment_extension = VARIANT_OF(comment_extension_fields);
static type_t comment_extensions = SET_OF(comment_extension);

/* Hardfork 20 added the two that are not packed; condenser_api shows them here too. */
static field_t props_fields[] = {
	FIELD("account_creation_fee", fee_asset), FIELD("maximum_block_size", block_size),
	FIELD("sbd_interest_rate", percent16),    SHOWN("account_subsidy_budget"),
	SHOWN("account_subsidy_decay"),
};
static type_t props = STRUCT_OF(props_fields);

static field_t property_fields[] = {FIELD("name", text), FIELD("value", bytes)};
static type_t property = PAIR_OF(property_fields);
static type_t properties = SET_OF(property);

static field_t pow_work_fields[] = {
	FIELD("worker", key),
	FIELD("input", h32),
	FIELD("signature", signature),
	FIELD("work", h32),
};
static type_t pow_work = STRUCT_OF(pow_work_fields);

static field_t pow2_input_fields[] = {
	FIELD("worker_account", name),
	FIELD("prev_block", h20),
	FIELD("nonce", u64),
};
static type_t pow2_input = STRUCT_OF(pow2_input_fields);
static field_t pow2_plain_fields[] = {FIELD("input", pow2_input), FIELD("pow_summary", u32)};
static type_t pow2_plain = STRUCT_OF(pow2_plain_fields);
/* libraries/fc/include/fc/crypto/equihash.hpp */
static field_t equihash_proof_fields[] = {
	FIELD("n", u32),
	FIELD("k", u32),
	FIELD("seed", h32),
	FIELD("inputs", numbers32),
};
static type_t equihash_proof = STRUCT_OF(equihash_proof_fields);
static field_t equihash_fields[] = {
	FIELD("input", pow2_input),
	FIELD("proof", equihash_proof),
	FIELD("prev_block", h20),
	FIELD("pow_summary", u32),
};
static type_t equihash = STRUCT_OF(equihash_fields);
static field_t pow2_work_fields[] = {FIELD("pow2", pow2_plain), FIELD("equihash_pow", equihash)};
static type_t pow2_work = VARIANT_OF(pow2_work_fields);

/* block_header.hpp, version.hpp */
static field_t hardfork_vote_fields[] = {FIELD("hf_version", version), FIELD("hf_time", seconds)};
static type_t hardfork_vote = STRUCT_OF(hardfork_vote_fields);
static field_t header_extension_fields[] = {
	FIELD("void_t", nothing),
	FIELD("version", version),
	FIELD("hardfork_version_vote", hardfork_vote),
};
/* condenser_api converts those in a block, but not those in report_over_production. */
static type_t header_extension = NAMED_OF(header_extension_fields);
static type_t header_extensions = LIST_OF(header_extension);
static field_t signed_header_fields[] = {
	FIELD("previous", h20),
	FIELD("timestamp", seconds),
	FIELD("witness", name),
	FIELD("transaction_merkle_root", h20),
	FIELD("extensions", header_extensions),
	FIELD("witness_signature", signature),
};
type_t codec_signed_header = STRUCT_OF(signed_header_fields);

/* transaction.hpp */
static type_t signatures = LIST_OF(signature);
static field_t trx_fields[] = {
	FIELD("ref_block_num", u16),
	FIELD("ref_block_prefix", u32),
	FIELD("expiration", seconds),
	[CODEC_TRX_EXTENSIONS] = FIELD("extensions", extensions),
	[CODEC_TRX_SIGNATURES] = FIELD("signatures", signatures),
};
type_t codec_trx = STRUCT_OF(trx_fields);

#define REAL(number_, name_)                                                                       \
	{                                                                                          \
		.name = #name_, .number = (number_), .is = STRUCT_OF(op_##name_)                   \
	}
/* Of no use in a new transaction: libraries/chain/steem_evaluator.cpp, witness_plugin.cpp. */
#define CLOSED(number_, name_)                                                                     \
	{                                                                                          \
		.name = #name_, .number = (number_), .is_closed = true,                            \
		.is = STRUCT_OF(op_##name_)                                                        \
	}
#define VIRTUAL(name_)                                                                             \
	{                                                                                          \
		.name = #name_, .number = CODEC_VIRTUAL, .is = STRUCT_OF(op_##name_)               \
	}
#define VIRTUAL_BY(name_, who_)                                                                    \
	{                                                                                          \
		.name = #name_, .number = CODEC_VIRTUAL, .acting = (who_),                         \
		.is = STRUCT_OF(op_##name_)                                                        \
	}
#define VIRTUAL_BARE(name_, who_)                                                                  \
	{                                                                                          \
		.name = #name_, .number = CODEC_VIRTUAL, .acting = (who_),                         \
		.is = {.kind = CODEC_STRUCT }                                                      \
	}

static field_t op_vote[] = {
	SIGNS("voter", name, CODEC_POSTING),
	ACTS("author", name),
	FIELD("permlink", permlink),
	FIELD("weight", weight),
};
static field_t op_comment[] = {
	NAMES("parent_author", name_or_none),
	FIELD("parent_permlink", new_permlink),
	SIGNS("author", name, CODEC_POSTING),
	FIELD("permlink", new_permlink),
	FIELD("title", title),
	FIELD("body", body),
	FIELD("json_metadata", metadata),
};
static field_t op_transfer[] = {
	SIGNS("from", name, CODEC_ACTIVE),
	ACTS("to", name),
	FIELD("amount", some_liquid),
	FIELD("memo", memo),
};
static field_t op_transfer_to_vesting[] = {
	SIGNS("from", name, CODEC_ACTIVE),
	ACTS("to", name_or_none),
	FIELD("amount", some_steem),
};
static field_t op_withdraw_vesting[] = {SIGNS("account", name, CODEC_ACTIVE),
					FIELD("vesting_shares", vests)};
static field_t op_limit_order_create[] = {
	SIGNS("owner", name, CODEC_ACTIVE),   FIELD("orderid", u32),
	FIELD("amount_to_sell", some_liquid), FIELD("min_to_receive", some_liquid),
	FIELD("fill_or_kill", boolean),       FIELD("expiration", seconds),
};
static field_t op_limit_order_cancel[] = {SIGNS("owner", name, CODEC_ACTIVE),
					  FIELD("orderid", u32)};
static field_t op_feed_publish[] = {SIGNS("publisher", name, CODEC_ACTIVE),
				    FIELD("exchange_rate", price)};
static field_t op_convert[] = {
	SIGNS("owner", name, CODEC_ACTIVE),
	FIELD("requestid", u32),
	FIELD("amount", some_sbd),
};
static field_t op_account_create[] = {
	FIELD("fee", steem),
	SIGNS("creator", name, CODEC_ACTIVE),
	ACTS("new_account_name", name),
	NAMES("owner", authority),
	NAMES("active", authority),
	NAMES("posting", authority),
	FIELD("memo_key", key),
	FIELD("json_metadata", metadata),
};
static field_t op_account_update[] = {
	SIGNS("account", name, CODEC_ACTIVE),
	RAISES("owner", CODEC_MENTIONED, optional_authority, CODEC_OWNER),
	NAMES("active", optional_authority),
	NAMES("posting", optional_authority),
	FIELD("memo_key", key),
	FIELD("json_metadata", metadata),
};
static field_t op_witness_update[] = {
	SIGNS("owner", name, CODEC_ACTIVE),
	FIELD("url", url),
	FIELD("block_signing_key", key),
	FIELD("props", props),
	FIELD("fee", steem),
};
static field_t op_account_witness_vote[] = {
	SIGNS("account", name, CODEC_ACTIVE),
	ACTS("witness", name),
	FIELD("approve", boolean),
};
static field_t op_account_witness_proxy[] = {SIGNS("account", name, CODEC_ACTIVE),
					     ACTS("proxy", name_or_none)};
static field_t op_pow[] = {
	ACTS("worker_account", name), FIELD("block_id", h20), FIELD("nonce", u64),
	FIELD("work", pow_work),      FIELD("props", props),
};
static field_t op_custom[] = {
	SIGNS("required_auths", names, CODEC_ACTIVE),
	FIELD("id", u16),
	FIELD("data", custom_bytes),
};
static field_t op_report_over_production[] = {
	NAMES("reporter", name),
	FIELD("first_block", codec_signed_header),
	FIELD("second_block", codec_signed_header),
};
static field_t op_delete_comment[] = {SIGNS("author", name, CODEC_POSTING),
				      FIELD("permlink", permlink)};
static field_t op_custom_json[] = {
	SIGNS("required_auths", names, CODEC_ACTIVE),
	SIGNS("required_posting_auths", names, CODEC_POSTING),
	FIELD("id", id),
	FIELD("json", custom_text),
};
static field_t op_comment_options[] = {
	SIGNS("author", name, CODEC_POSTING),    FIELD("permlink", permlink),
	FIELD("max_accepted_payout", sbd),       FIELD("percent_steem_dollars", percent),
	FIELD("allow_votes", boolean),           FIELD("allow_curation_rewards", boolean),
	NAMES("extensions", comment_extensions),
};
static field_t op_set_withdraw_vesting_route[] = {
	SIGNS("from_account", name, CODEC_ACTIVE),
	ACTS("to_account", name),
	FIELD("percent", percent16),
	FIELD("auto_vest", boolean),
};
static field_t op_limit_order_create2[] = {
	SIGNS("owner", name, CODEC_ACTIVE),   FIELD("orderid", u32),
	FIELD("amount_to_sell", some_liquid), FIELD("exchange_rate", price),
	FIELD("fill_or_kill", boolean),       FIELD("expiration", seconds),
};
static field_t op_claim_account[] = {
	SIGNS("creator", name, CODEC_ACTIVE),
	FIELD("fee", steem_fee),
	FIELD("extensions", extensions),
};
static field_t op_create_claimed_account[] = {
	SIGNS("creator", name, CODEC_ACTIVE),
	ACTS("new_account_name", name),
	NAMES("owner", authority),
	NAMES("active", authority),
	NAMES("posting", authority),
	FIELD("memo_key", key),
	FIELD("json_metadata", metadata),
	FIELD("extensions", extensions),
};
static field_t op_request_account_recovery[] = {
	SIGNS("recovery_account", name, CODEC_ACTIVE),
	ACTS("account_to_recover", name),
	FIELD("new_owner_authority", authority),
	FIELD("extensions", extensions),
};
static field_t op_recover_account[] = {
	ACTS("account_to_recover", name),
	RAISES("new_owner_authority", CODEC_UNNAMED, authority, CODEC_FOREIGN),
	FIELD("recent_owner_authority", authority),
	FIELD("extensions", extensions),
};
static field_t op_change_recovery_account[] = {
	SIGNS("account_to_recover", name, CODEC_OWNER),
	NAMES("new_recovery_account", name),
	FIELD("extensions", extensions),
};
static field_t op_escrow_transfer[] = {
	SIGNS("from", name, CODEC_ACTIVE),
	ACTS("to", name),
	FIELD("sbd_amount", sbd),
	FIELD("steem_amount", steem),
	FIELD("escrow_id", u32),
	ACTS("agent", name),
	FIELD("fee", liquid),
	FIELD("json_meta", metadata),
	FIELD("ratification_deadline", seconds),
	FIELD("escrow_expiration", seconds),
};
/* One of the other three, who acts in this way. */
#define WHO                                                                                        \
	{                                                                                          \
		NAMED("who"), .role = CODEC_MENTIONED, .signs = CODEC_ACTIVE, .type = &name        \
	}
static field_t op_escrow_dispute[] = {
	ACTS("from", name), ACTS("to", name), ACTS("agent", name), WHO, FIELD("escrow_id", u32),
};
static field_t op_escrow_release[] = {
	ACTS("from", name),       ACTS("to", name),
	ACTS("agent", name),      WHO,
	NAMES("receiver", name),  FIELD("escrow_id", u32),
	FIELD("sbd_amount", sbd), FIELD("steem_amount", steem),
};
static field_t op_pow2[] = {
	ACTS("work", pow2_work),
	FIELD("new_owner_key", optional_key),
	RAISES("props", CODEC_UNNAMED, props, CODEC_FOREIGN),
};
static field_t op_escrow_approve[] = {
	ACTS("from", name),      ACTS("to", name),          ACTS("agent", name), WHO,
	FIELD("escrow_id", u32), FIELD("approve", boolean),
};
static field_t op_transfer_to_savings[] = {
	SIGNS("from", name, CODEC_ACTIVE),
	ACTS("to", name),
	FIELD("amount", some_liquid),
	FIELD("memo", memo),
};
static field_t op_transfer_from_savings[] = {
	SIGNS("from", name, CODEC_ACTIVE), FIELD("request_id", u32), ACTS("to", name),
	FIELD("amount", some_liquid),      FIELD("memo", memo),
};
static field_t op_cancel_transfer_from_savings[] = {SIGNS("from", name, CODEC_ACTIVE),
						    FIELD("request_id", u32)};
static field_t op_custom_binary[] = {
	SIGNS("required_owner_auths", names, CODEC_OWNER),
	SIGNS("required_active_auths", names, CODEC_ACTIVE),
	SIGNS("required_posting_auths", names, CODEC_POSTING),
	RAISES("required_auths", CODEC_MENTIONED, authorities, CODEC_FOREIGN),
	FIELD("id", id),
	FIELD("data", bytes),
};
static field_t op_decline_voting_rights[] = {SIGNS("account", name, CODEC_OWNER),
					     FIELD("decline", boolean)};
static field_t op_reset_account[] = {
	SIGNS("reset_account", name, CODEC_ACTIVE),
	NAMES("account_to_reset", name),
	FIELD("new_owner_authority", authority),
};
static field_t op_set_reset_account[] = {
	SIGNS("account", name, CODEC_POSTING),
	RAISES("current_reset_account", CODEC_MENTIONED, name_or_none, CODEC_OWNER),
	NAMES("reset_account", name),
};
static field_t op_claim_reward_balance[] = {
	SIGNS("account", name, CODEC_POSTING),
	FIELD("reward_steem", steem),
	FIELD("reward_sbd", sbd),
	FIELD("reward_vests", vests),
};
static field_t op_delegate_vesting_shares[] = {
	SIGNS("delegator", name, CODEC_ACTIVE),
	ACTS("delegatee", name),
	FIELD("vesting_shares", vests),
};
static field_t op_account_create_with_delegation[] = {
	FIELD("fee", steem),
	FIELD("delegation", vests),
	SIGNS("creator", name, CODEC_ACTIVE),
	ACTS("new_account_name", name),
	NAMES("owner", authority),
	NAMES("active", authority),
	NAMES("posting", authority),
	FIELD("memo_key", key),
	FIELD("json_metadata", metadata),
	FIELD("extensions", extensions),
};
static field_t op_witness_set_properties[] = {
	ACTS("owner", name),
	RAISES("props", CODEC_UNNAMED, properties, CODEC_FOREIGN),
	FIELD("extensions", extensions),
};
static field_t op_account_update2[] = {
	SIGNS("account", name, CODEC_POSTING),
	RAISES("owner", CODEC_MENTIONED, optional_authority, CODEC_OWNER),
	RAISES("active", CODEC_MENTIONED, optional_authority, CODEC_ACTIVE),
	RAISES("posting", CODEC_MENTIONED, optional_authority, CODEC_ACTIVE),
	RAISES("memo_key", CODEC_UNNAMED, optional_key, CODEC_ACTIVE),
	RAISES("json_metadata", CODEC_UNNAMED, metadata, CODEC_ACTIVE),
	FIELD("posting_json_metadata", metadata),
	FIELD("extensions", extensions),
};
/* condenser_api_legacy_operations.hpp has no extensions here. */
static field_t op_create_proposal[] = {
	SIGNS("creator", name, CODEC_ACTIVE),
	ACTS("receiver", name),
	FIELD("start_date", seconds),
	FIELD("end_date", seconds),
	FIELD("daily_pay", sbd),
	FIELD("subject", subject),
	FIELD("permlink", permlink),
	{NAMED("extensions"), .may_lack = true, .type = &extensions},
};
static field_t op_update_proposal_votes[] = {
	SIGNS("voter", name, CODEC_ACTIVE),
	FIELD("proposal_ids", numbers),
	FIELD("approve", boolean),
	FIELD("extensions", extensions),
};
static field_t op_remove_proposal[] = {
	SIGNS("proposal_owner", name, CODEC_ACTIVE),
	FIELD("proposal_ids", numbers),
	FIELD("extensions", extensions),
};

static field_t op_author_reward[] = {ACTS("author", name)};
static field_t op_comment_benefactor_reward[] = {ACTS("benefactor", name), ACTS("author", name)};
static field_t op_comment_payout_update[] = {NAMES("author", name)};
static field_t op_comment_reward[] = {NAMES("author", name)};
static field_t op_curation_reward[] = {ACTS("curator", name), NAMES("comment_author", name)};
static field_t op_fill_convert_request[] = {ACTS("owner", name)};
static field_t op_fill_order[] = {ACTS("current_owner", name), ACTS("open_owner", name)};
static field_t op_fill_transfer_from_savings[] = {ACTS("from", name), ACTS("to", name)};
static field_t op_fill_vesting_withdraw[] = {ACTS("from_account", name), ACTS("to_account", name)};
static field_t op_hardfork23[] = {ACTS("account", name)};
static field_t op_interest[] = {ACTS("owner", name)};
static field_t op_liquidity_reward[] = {ACTS("owner", name)};
static field_t op_producer_reward[] = {ACTS("producer", name)};
static field_t op_proposal_pay[] = {ACTS("receiver", name)};
static field_t op_return_vesting_delegation[] = {ACTS("account", name)};
static field_t op_shutdown_witness[] = {ACTS("owner", name)};

static const struct codec_operation rows[] = {
	REAL(9, account_create),
	CLOSED(41, account_create_with_delegation),
	REAL(10, account_update),
	REAL(43, account_update2),
	REAL(13, account_witness_proxy),
	REAL(12, account_witness_vote),
	VIRTUAL(author_reward),
	REAL(34, cancel_transfer_from_savings),
	REAL(26, change_recovery_account),
	REAL(22, claim_account),
	REAL(39, claim_reward_balance),
	VIRTUAL_BARE(clear_null_account_balance, NULL),
	REAL(1, comment),
	VIRTUAL(comment_benefactor_reward),
	REAL(19, comment_options),
	VIRTUAL(comment_payout_update),
	VIRTUAL(comment_reward),
	REAL(8, convert),
	REAL(23, create_claimed_account),
	REAL(44, create_proposal),
	VIRTUAL(curation_reward),
	REAL(15, custom),
	CLOSED(35, custom_binary),
	REAL(18, custom_json),
	REAL(36, decline_voting_rights),
	REAL(40, delegate_vesting_shares),
	REAL(17, delete_comment),
	REAL(31, escrow_approve),
	REAL(28, escrow_dispute),
	REAL(29, escrow_release),
	REAL(27, escrow_transfer),
	REAL(7, feed_publish),
	VIRTUAL(fill_convert_request),
	VIRTUAL(fill_order),
	VIRTUAL(fill_transfer_from_savings),
	VIRTUAL(fill_vesting_withdraw),
	VIRTUAL_BARE(hardfork, "initminer"),
	VIRTUAL_BY(hardfork23, "community321"),
	VIRTUAL(interest),
	REAL(6, limit_order_cancel),
	REAL(5, limit_order_create),
	REAL(21, limit_order_create2),
	VIRTUAL(liquidity_reward),
	CLOSED(14, pow),
	CLOSED(30, pow2),
	VIRTUAL(producer_reward),
	VIRTUAL_BY(proposal_pay, "steem.dao"),
	REAL(25, recover_account),
	REAL(46, remove_proposal),
	CLOSED(16, report_over_production),
	REAL(24, request_account_recovery),
	CLOSED(37, reset_account),
	VIRTUAL(return_vesting_delegation),
	CLOSED(38, set_reset_account),
	REAL(20, set_withdraw_vesting_route),
	VIRTUAL(shutdown_witness),
	VIRTUAL_BARE(sps_fund, "steem.dao"),
	REAL(2, transfer),
	REAL(33, transfer_from_savings),
	REAL(32, transfer_to_savings),
	REAL(3, transfer_to_vesting),
	REAL(45, update_proposal_votes),
	REAL(0, vote),
	REAL(4, withdraw_vesting),
	REAL(42, witness_set_properties),
	REAL(11, witness_update),
};

const struct codec_table operations_steem = {rows, COUNT(rows)};

const struct codec_operation *operations_find(const struct codec_table *table, const char *wanted,
					      size_t wanted_len)
{
	size_t first = 0, end = table->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		const char *at = table->rows[middle].name;
		int order = strncmp(wanted, at, wanted_len);

		if (order == 0 && at[wanted_len] == '\0')
			return &table->rows[middle];
		if (order > 0)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

enum codec_authority operations_authority(const struct codec_operation *row)
{
	enum codec_authority least = CODEC_NO_AUTHORITY;

	for (size_t i = 0; i < row->is.field_count; i++) {
		enum codec_authority signs = row->is.fields[i].signs;

		if (signs != CODEC_NO_AUTHORITY && (least == CODEC_NO_AUTHORITY || signs < least))
			least = signs;
	}
	return least;
}
