package openai

import (
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// Classify reads an error answer. What the upstream calls the error says more than the status, so it is asked first.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	code, typ, _, message := wire.ParseError(body)
	name := code
	if name == "" {
		name = typ
	}
	return provider.Outcome{
		Category:   categorize(r.StatusCode, code, typ, message),
		Code:       provider.CleanCode(name),
		Message:    provider.Scrub(message, u.key.Reveal(), u.base.Host),
		RetryAfter: provider.RetryAfter(r.Header),
	}
}

// names are error codes and types with a meaning of their own, in lower case: OpenAI's, and those of vendors who speak its
// dialect. Source: the provider sheets "openai", "dashscope" and "zhipu-moonshot-deepseek-siliconflow".
var names = map[string]inference.Category{
	"content_policy_violation":       inference.ContentPolicy,
	"image_content_policy_violation": inference.ContentPolicy,
	"moderation_blocked":             inference.ContentPolicy,
	"content_filter":                 inference.ContentPolicy,
	"data_inspection_failed":         inference.ContentPolicy,
	"datainspectionfailed":           inference.ContentPolicy,
	"1300":                           inference.ContentPolicy,
	"1301":                           inference.ContentPolicy,

	"context_length_exceeded": inference.ContextLength,
	"1261":                    inference.ContextLength,

	"insufficient_quota":           inference.QuotaExhausted,
	"billing_not_active":           inference.QuotaExhausted,
	"billing_hard_limit_reached":   inference.QuotaExhausted,
	"exceeded_current_quota_error": inference.QuotaExhausted,
	"insufficient_balance":         inference.QuotaExhausted,
	"arrearage":                    inference.QuotaExhausted,
	"1113":                         inference.QuotaExhausted,
	"30001":                        inference.QuotaExhausted,

	"invalid_api_key":              inference.Authentication,
	"incorrect_api_key_provided":   inference.Authentication,
	"incorrect_api_key_error":      inference.Authentication,
	"invalid_authentication_error": inference.Authentication,
	"invalid_organization":         inference.Authentication,

	"unsupported_country_region_territory": inference.Permission,

	"model_not_found": inference.NotFound,
	"1211":            inference.NotFound,
	"20012":           inference.NotFound,

	"engine_overloaded":       inference.Overloaded,
	"engine_overloaded_error": inference.Overloaded,
	"overloaded_error":        inference.Overloaded,
	"1305":                    inference.Overloaded,
}

func categorize(status int, code, typ, message string) inference.Category {
	if status == http.StatusForbidden {
		if c := names[strings.ToLower(code)]; c == inference.NotFound {
			return inference.Permission // the model exists, this account may not use it
		}
	}
	for _, name := range [...]string{code, typ} {
		if c, ok := names[strings.ToLower(name)]; ok {
			return c
		}
	}
	if status < http.StatusInternalServerError && strings.Contains(message, "maximum context length") {
		return inference.ContextLength // vLLM and others give no code
	}
	return provider.ByStatus(status, statuses)
}

// statuses are those that servers of this dialect use in a way of their own. 498: Groq's flex tier is full; 529: Anthropic's word.
// Of the last three the base URL is not what it was taken for.
var statuses = map[int]inference.Category{
	http.StatusPaymentRequired:            inference.QuotaExhausted,
	http.StatusUnavailableForLegalReasons: inference.ContentPolicy,
	http.StatusConflict:                   inference.Overloaded,
	498:                                   inference.Overloaded,
	529:                                   inference.Overloaded,
	http.StatusMethodNotAllowed:           inference.Protocol,
	http.StatusNotAcceptable:              inference.Protocol,
	http.StatusUpgradeRequired:            inference.Protocol,
}
