package compat

import "github.com/gantry-ai/gantry/internal/inference"

// Categories, so that rows stay short.
const (
	auth      = inference.Authentication
	barred    = inference.Permission
	busy      = inference.Overloaded
	content   = inference.ContentPolicy
	failed    = inference.ServerError
	invalid   = inference.InvalidRequest
	late      = inference.Timeout
	money     = inference.QuotaExhausted
	tooLong   = inference.ContextLength
	throttled = inference.RateLimited
	unknown   = inference.NotFound
)

// vendors are those who speak the dialect. One more is one row here and one recording in testdata.
// Source: the provider sheets "dashscope", "minimax-hailuo", "jimeng-volcengine", "zhipu-moonshot-deepseek-siliconflow",
// "ollama-vllm-llamacpp" and "new-api-compat", and the vendors' own pages where those say nothing.
var vendors = []vendor{
	{
		name: "deepseek", title: "DeepSeek", baseURL: "https://api.deepseek.com/v1", kinds: chats,
		logo:     "M2 11c0-5 4-8 9-8 6 0 11 4 11 9s-4 9-10 9c-4 0-7-2-8-5 3 2 7 2 9-1-4 1-8-1-11-4zm13-3a1.5 1.5 0 100 3 1.5 1.5 0 000-3z",
		reasons:  true,
		statuses: map[int]inference.Category{422: invalid},
		models:   []string{"deepseek-v4-flash", "deepseek-v4-pro", "deepseek-chat", "deepseek-reasoner"},
	},
	{
		name: "dashscope", title: "Qwen (DashScope)", baseURL: "https://dashscope.aliyuncs.com/compatible-mode/v1", kinds: responds,
		logo:      "M12 2l8.7 5v10L12 22l-8.7-5V7L12 2zm0 4L7 9v6l5 3 5-3V9l-5-3zm2 8l3 4h-3l-2-3 2-1z",
		elsewhere: map[inference.Kind]string{inference.Responses: "/api/v2/apps/protocols/compatible-mode/v1"},
		settings: []setting{{
			name: "workspace", header: "X-DashScope-WorkSpace", en: "Workspace", zh: "业务空间",
			helpEn: "Sent as X-DashScope-WorkSpace.", helpZh: "作为 X-DashScope-WorkSpace 请求头发送。",
		}},
		errors: []rule{
			{"arrearage", money},
			{"*billoverdue", money},
			{"commoditynotpurchased", money},
			{"allocationquota.freetieronly", money},
			{"insufficient_quota", throttled},
			{"throttling*", throttled},
			{"limit_requests", throttled},
			{"limit_burst_rate", throttled},
			{"*data_inspection*", content},
			{"datainspection*", content},
			{"accessdenied*", barred},
			{"model.accessdenied", barred},
			{"workspacenotfound", unknown},
			{"modelunavailable", busy},
			{"modelservingerror", busy},
			{"requesttimeout", late},
		},
		says:   []rule{{"*range of input length should be*", tooLong}},
		models: []string{"qwen3-max", "qwen-plus", "qwen-turbo", "qwen3-vl-plus", "text-embedding-v4"},
	},
	{
		name: "moonshot", title: "Moonshot AI", baseURL: "https://api.moonshot.cn/v1", kinds: chats,
		reasons: true,
		logo:    "M12 2a10 10 0 100 20 10 10 0 000-20zm1 3a7 7 0 11-6 11 8 8 0 006-11z",
		errors: []rule{
			{"rate_limit_reached_error", throttled},
			{"permission_denied_error", barred},
			{"resource_not_found_error", unknown},
			{"unexpected_output", failed},
		},
		says:   []rule{{"*exceeded model token limit*", tooLong}},
		models: []string{"kimi-k2.6", "kimi-k2.5", "kimi-k2-thinking", "moonshot-v1-128k"},
	},
	{
		name: "zhipu", title: "Zhipu AI", baseURL: "https://open.bigmodel.cn/api/paas/v4", kinds: embeds,
		logo: "M4 4h16v3L9 17h11v3H4v-3L15 7H4V4z",
		errors: []rule{
			{"1000", auth},
			{"1001", auth},
			{"1002", auth},
			{"1003", auth},
			{"1004", auth},
			{"1113", money},
			{"1304", money},
			{"1308", money},
			{"1309", money},
			{"1310", money},
			{"110*", barred},
			{"111*", barred},
			{"112*", barred},
			{"1212", barred},
			{"122*", barred},
			{"1302", throttled},
			{"1303", throttled},
			{"1230", failed},
			{"1234", failed},
			{"1200", failed},
		},
		models: []string{"glm-5", "glm-4.7", "glm-4.6", "glm-4.5-air", "glm-4.5-flash", "embedding-3"},
	},
	{
		name: "minimax", title: "MiniMax", baseURL: "https://api.minimaxi.com/v1", kinds: chats,
		logo:   "M3 8h2v8H3V8zm4-4h2v16H7V4zm4 6h2v4h-2v-4zm4-5h2v14h-2V5zm4 3h2v8h-2V8z",
		within: &within{names: []string{"base_resp"}, code: "status_code", message: "status_msg"},
		errors: []rule{
			{"1008", money},
			{"1028", money},
			{"1030", money},
			{"2056", money},
			{"1004", auth},
			{"2049", auth},
			{"2061", barred},
			{"1002", throttled},
			{"1039", throttled},
			{"1041", throttled},
			{"2045", throttled},
			{"1026", content},
			{"1027", content},
			{"1001", late},
			{"1000", failed},
			{"1024", failed},
			{"1033", failed},
			{"1042", invalid},
			{"2013", invalid},
		},
		models: []string{"MiniMax-M2.7", "MiniMax-M2.5", "MiniMax-M2.1", "MiniMax-M2", "MiniMax-Text-01"},
	},
	{
		name: "volcengine", title: "Volcengine Ark", baseURL: "https://ark.cn-beijing.volces.com/api/v3", kinds: paints,
		logo: "M12 3l3 12h-6l3-12zM6 8l2 11H4L6 8zm12 0l2 11h-4l2-11zM9 17h6l-1 4h-4l-1-4z",
		errors: []rule{
			{"accountoverdueerror", money},
			{"quotaexceeded", money},
			{"setlimitexceeded", money},
			{"*sensitivecontentdetected*", content},
			{"*riskdetection", content},
			{"*privacyinformation", content},
			{"modelnotopen", barred},
			{"accessdenied", barred},
			{"invalidendpoint*", unknown},
			{"invalidaccountstatus", auth},
			{"serveroverloaded", busy},
			{"*ratelimitexceeded*", throttled},
		},
		models: []string{"doubao-seed-1-6-250615", "doubao-seed-1-6-flash-250615", "doubao-embedding-large-text-250515", "doubao-seedream-4-0-250828"},
	},
	{
		name: "siliconflow", title: "SiliconFlow", baseURL: "https://api.siliconflow.cn/v1", kinds: embeds,
		logo:   "M3 5h11v3H6v3h15v8H10v-3h8v-3H3V5z",
		errors: []rule{{"30001", money}, {"30003", barred}, {"20012", unknown}, {"20015", invalid}, {"50603", busy}, {"50505", busy}},
		says:   []rule{{"*tpm limit*", throttled}, {"*balance is insufficient*", money}},
		models: []string{"deepseek-ai/DeepSeek-V3.2", "Qwen/Qwen3-235B-A22B-Instruct-2507", "BAAI/bge-m3"},
	},
	{
		name: "xai", title: "xAI", baseURL: "https://api.x.ai/v1", kinds: []inference.Kind{inference.Chat, inference.Responses, inference.ImageGenerations},
		logo:   "M4 4h4l12 16h-4L4 4zm13 0h3l-5 7-2-2 4-5zM4 20l5-7 2 2-4 5H4z",
		says:   []rule{{"*credits*", money}, {"*spending limit*", money}, {"*incorrect api key*", auth}, {"*content violates*", content}},
		models: []string{"grok-4", "grok-4-fast", "grok-3-mini", "grok-2-image"},
	},
	{
		name: "mistral", title: "Mistral AI", baseURL: "https://api.mistral.ai/v1", kinds: embeds,
		logo: "M3 4h4v4h4v4h2V8h4V4h4v16h-4v-6h-3v3h-4v-3H7v6H3V4z",
		// Usage comes unasked, and what it does not know it refuses.
		members: map[string]string{"stream_options": "", "seed": "random_seed", "user": "", "store": "", "logprobs": "", "top_logprobs": ""},
		errors:  []rule{{"1300", throttled}, {"rate_limited", throttled}, {"3505", busy}, {"1500", unknown}, {"invalid_model", unknown}},
		says:    []rule{{"*too large for model*", tooLong}},
		models:  []string{"mistral-large-latest", "mistral-medium-latest", "mistral-small-latest", "codestral-latest", "mistral-embed"},
	},
	{
		name: "groq", title: "Groq", baseURL: "https://api.groq.com/openai/v1", kinds: []inference.Kind{inference.Chat, inference.Responses},
		logo:      "M12 3a7 7 0 00-1 14v-3a4 4 0 114-4v4a6 6 0 01-3 5v3a9 9 0 006-8v-4a7 7 0 00-6-7z",
		maxOutput: "max_completion_tokens",
		errors: []rule{
			{"model_decommissioned", unknown},
			{"model_terms_required", barred},
			{"rate_limit_exceeded", throttled},
			{"blocked_api_access", money},
			{"capacity_exceeded", busy},
		},
		models: []string{"llama-3.3-70b-versatile", "openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3-32b"},
	},
	{
		name: "together", title: "Together AI", baseURL: "https://api.together.xyz/v1", kinds: embeds,
		logo:   "M7 3a4 4 0 110 8 4 4 0 010-8zm10 0a4 4 0 110 8 4 4 0 010-8zM7 13a4 4 0 110 8 4 4 0 010-8zm10 0a4 4 0 110 8 4 4 0 010-8z",
		errors: []rule{{"credit_limit", money}, {"model_not_available", unknown}},
		says:   []rule{{"*inputs tokens + max_new_tokens*", tooLong}, {"*context length*", tooLong}, {"*credit*", money}},
		models: []string{"meta-llama/Llama-3.3-70B-Instruct-Turbo", "deepseek-ai/DeepSeek-V3.1", "BAAI/bge-base-en-v1.5"},
	},
	{
		name: "fireworks", title: "Fireworks AI", baseURL: "https://api.fireworks.ai/inference/v1", kinds: responds,
		logo:     "M11 2h2v7l5-5 1.4 1.4-5 5H22v2h-7.6l5 5L18 18.8l-5-5V22h-2v-8.200l-5 5-1.4-1.4 5-5H2v-2h7.600l-5-5L6 4l5 5V2z",
		statuses: map[int]inference.Category{412: money}, // the account is suspended for its debts
		says:     []rule{{"*prompt is too long*", tooLong}},
		models:   []string{"accounts/fireworks/models/deepseek-v3p1", "accounts/fireworks/models/kimi-k2-instruct-0905", "nomic-ai/nomic-embed-text-v1.5"},
	},
	{
		name: "openrouter", title: "OpenRouter", baseURL: "https://openrouter.ai/api/v1", kinds: chats,
		logo: "M2 11h6l5-5h4V3l5 4-5 4V8.500h-3L9.5 12l4.5 3.500h3V13l5 4-5 4v-3h-4l-5-5H2v-2z",
		settings: []setting{
			{
				name: "referer", header: "HTTP-Referer", en: "Site address", zh: "站点地址",
				helpEn: "Sent as HTTP-Referer; OpenRouter shows it in its rankings.", helpZh: "作为 HTTP-Referer 请求头发送,OpenRouter 会在排行中显示。",
			},
			{
				name: "title", header: "X-Title", en: "Site name", zh: "站点名称",
				helpEn: "Sent as X-Title.", helpZh: "作为 X-Title 请求头发送。",
			},
		},
		within: &within{names: []string{"error"}, code: "code", message: "message"},
		says:   []rule{{"*flagged*", content}, {"*key limit exceeded*", money}, {"*insufficient credits*", money}, {"*no endpoints found*", unknown}},
		models: []string{"openai/gpt-5", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash", "deepseek/deepseek-v3.2"},
	},
	{
		name: "perplexity", title: "Perplexity", baseURL: "https://api.perplexity.ai", kinds: chats,
		logo:    "M11 2h2v6l5-4v5h3v8h-3v5l-5-4v4h-2v-4l-5 4v-5H3V9h3V4l5 4V2zm0 8.500L8 13v4l3-2.500v-4zm2 0v4l3 2.500v-4l-3-2.500z",
		members: map[string]string{"stream_options": "", "seed": "", "user": ""},
		says:    []rule{{"*credits*", money}, {"*quota*", money}},
		models:  []string{"sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"},
	},
	{
		name: "hunyuan", title: "Tencent Hunyuan", baseURL: "https://api.hunyuan.cloud.tencent.com/v1", kinds: embeds,
		logo:   "M12 2a10 10 0 100 20 10 10 0 000-20zm0 3a4 4 0 010 7 4 4 0 000 7 7 7 0 010-14z",
		within: &within{names: []string{"Response", "Error"}, code: "Code", message: "Message"},
		errors: []rule{
			{"authfailure*", auth},
			{"*arrears", money},
			{"*resourcepackexhausted", money},
			{"resourceinsufficient*", money},
			{"limitexceeded*", throttled},
			{"requestlimitexceeded*", throttled},
			{"*illegaldetected", content},
			{"operationdenied*", barred},
			{"internalerror*", failed},
			{"failedoperation.enginerequesttimeout", late},
		},
		models: []string{"hunyuan-turbos-latest", "hunyuan-t1-latest", "hunyuan-lite", "hunyuan-embedding"},
	},
	{
		name: "qianfan", title: "Baidu Qianfan", baseURL: "https://qianfan.baidubce.com/v2", kinds: embeds,
		logo: "M5 3h14v4H9v3h8v4H9v7H5V3z",
		settings: []setting{{
			name: "appId", header: "appid", en: "Application", zh: "应用 ID",
			helpEn: "Sent as appid.", helpZh: "作为 appid 请求头发送。",
		}},
		errors: []rule{
			{"*rate_limit_exceeded", throttled},
			{"server_high_load", busy},
			{"*iam_token*", auth},
			{"invalid_appid", auth},
			{"*unsafe*", content},
			{"*overdue*", money},
			{"invalid_model", unknown},
			{"*_max_length*", tooLong},
		},
		says:   []rule{{"*overdue*", money}, {"*insufficient balance*", money}},
		models: []string{"ernie-4.5-turbo-128k", "ernie-x1-turbo-32k", "ernie-speed-128k", "embedding-v1"},
	},
	{
		name: "vllm", title: "vLLM", baseURL: "http://127.0.0.1:8000/v1", keyless: true, kinds: responds,
		logo:   "M3 5l5 14h3L6 5H3zm18 0h-3l-5 14h3l5-14zM9 5h6l-3 8-3-8z",
		errors: []rule{{"notfounderror", unknown}},
		says:   []rule{{"*maximum context length*", tooLong}, {"*maximum model length*", tooLong}},
		models: []string{"Qwen/Qwen3-8B", "openai/gpt-oss-20b", "BAAI/bge-m3"},
	},
	{
		name: "sglang", title: "SGLang", baseURL: "http://127.0.0.1:30000/v1", keyless: true, kinds: embeds,
		logo:   "M4 4h9v3H7v3h6v10H4v-3h6v-4H4V4zm11 6h6v3h-3v4h3v3h-6V10z",
		says:   []rule{{"*longer than the model's context length*", tooLong}, {"*exceeds the maximum allowed length*", tooLong}},
		models: []string{"Qwen/Qwen3-8B", "deepseek-ai/DeepSeek-V3.1", "Alibaba-NLP/gte-Qwen2-1.5B-instruct"},
	},
	{
		name: "llamacpp", title: "llama.cpp server", baseURL: "http://127.0.0.1:8080/v1", keyless: true, kinds: embeds,
		logo: "M6 3h3v5h5V3h3v7c2 1 3 3 3 5v6h-3v-4H8v4H5v-8c-1-1-1-3-1-4l2-3V3zm2 8v2h2v-2H8zm5 0v2h2v-2h-2z",
		errors: []rule{
			{"exceed_context_size_error", tooLong},
			{"unavailable_error", busy},
			{"authentication_error", auth},
			{"not_found_error", unknown},
			{"permission_error", barred},
		},
		models: []string{"default", "qwen3-8b", "gpt-oss-20b"},
	},
	{
		name: "gantry", title: "Gantry", baseURL: "http://127.0.0.1:8080/v1", kinds: paints,
		logo:   "M2 4h20v3H2V4zm2 4h3v13H4V8zm13 0h3v13h-3V8zM11 8h2v5h3v4H8v-4h3V8z",
		models: []string{"gpt-5-mini", "simulator"},
	},
	{
		name: "newapi", title: "New API", baseURL: "http://127.0.0.1:3000/v1", kinds: paints,
		logo:   "M12 2l10 6v8l-10 6L2 16V8l10-6zm0 4l-6 3.500v5L12 18l6-3.500v-5L12 6zm-1 3h2v6h-2V9z",
		within: &within{names: []string{"error"}, code: "code", message: "message"},
		errors: []rule{
			{"insufficient_user_quota", money},
			{"pre_consume_token_quota_failed", money},
			{"sensitive_words_detected", content},
			{"prompt_blocked", content},
			{"access_denied", barred},
			{"get_channel_failed", busy},
			{"channel:*", failed},
			{"do_request_failed", failed},
			{"bad_response*", failed},
			{"empty_response", failed},
			{"model_price_error", unknown},
		},
		models: []string{"gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "text-embedding-3-small"},
	},
	{
		name: "litellm", title: "LiteLLM", baseURL: "http://127.0.0.1:4000/v1", kinds: paints,
		logo:   "M12 2l3 7h7l-6 4 3 9-7-5-7 5 3-9-6-4h7l3-7z",
		errors: []rule{{"budget_exceeded", money}, {"key_model_access_denied", barred}, {"auth_error", auth}, {"expired_key", auth}},
		says: []rule{
			{"*contextwindowexceedederror*", tooLong}, {"*contentpolicyviolationerror*", content}, {"*budget has been exceeded*", money},
		},
		models: []string{"gpt-5-mini", "claude-sonnet-4-5", "text-embedding-3-small"},
	},
}
