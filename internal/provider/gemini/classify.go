package gemini

import (
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/gemini"
)

// Classify reads an error answer.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	return Classify(r, body, u.key.Reveal(), u.base.Host)
}

// Classify reads an error answer of Google's. What it calls the reason says more than the status, which says more than HTTP's
// number. secrets are what no message may show. Source: the provider sheet, section 6.
func Classify(r *http.Response, body []byte, secrets ...string) provider.Outcome {
	f := wire.ParseError(body)
	o := provider.Outcome{
		Category:   categorize(r.StatusCode, &f),
		Code:       provider.CleanCode(f.Status),
		Message:    provider.Scrub(f.Message, secrets...),
		RetryAfter: f.RetryDelay,
	}
	if f.Reason != "" {
		o.Code = provider.CleanCode(f.Reason)
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = provider.RetryAfter(r.Header)
	}
	if o.Category == inference.QuotaExhausted {
		o.RetryAfter = 0 // the delay that Google names is that of its rate limits: a day's quota is not back by then
	}
	return o
}

// reasons are words of Google's with a meaning of their own.
var reasons = map[string]inference.Category{
	"API_KEY_INVALID": inference.Authentication, "API_KEY_EXPIRED": inference.Authentication,
	"ACCESS_TOKEN_EXPIRED": inference.Authentication, "ACCESS_TOKEN_TYPE_UNSUPPORTED": inference.Authentication,
	"CREDENTIALS_MISSING": inference.Authentication, "ACCOUNT_STATE_INVALID": inference.Authentication,
	"API_KEY_SERVICE_BLOCKED": inference.Permission, "SERVICE_DISABLED": inference.Permission,
	"CONSUMER_SUSPENDED": inference.Permission, "IAM_PERMISSION_DENIED": inference.Permission,
	"BILLING_DISABLED": inference.QuotaExhausted,
}

var byStatus = map[string]inference.Category{
	"INVALID_ARGUMENT": inference.InvalidRequest, "OUT_OF_RANGE": inference.InvalidRequest, "FAILED_PRECONDITION": inference.Permission,
	"UNAUTHENTICATED": inference.Authentication, "PERMISSION_DENIED": inference.Permission, "NOT_FOUND": inference.NotFound,
	"RESOURCE_EXHAUSTED": inference.RateLimited, "INTERNAL": inference.ServerError, "UNKNOWN": inference.ServerError,
	"CANCELLED": inference.ServerError, "ABORTED": inference.Overloaded, "UNAVAILABLE": inference.Overloaded,
	"DEADLINE_EXCEEDED": inference.Timeout, "UNIMPLEMENTED": inference.Protocol,
}

func categorize(status int, f *wire.Failure) inference.Category {
	if c, ok := reasons[f.Reason]; ok {
		return c
	}
	c, ok := byStatus[f.Status]
	if !ok {
		c = provider.ByStatus(status, statuses)
	}
	switch c {
	case inference.InvalidRequest:
		return invalidOf(f.Message)
	case inference.RateLimited:
		if strings.Contains(f.QuotaID, "PerDay") || strings.Contains(f.Message, "prepayment credits are depleted") {
			return inference.QuotaExhausted
		}
	case inference.Permission:
		if f.Status == "FAILED_PRECONDITION" && strings.Contains(strings.ToLower(f.Message), "billing") {
			return inference.QuotaExhausted
		}
	default:
	}
	return c
}

// invalidOf tells requests that are at fault from keys and contexts, which Google reports alike.
func invalidOf(message string) inference.Category {
	switch {
	case strings.HasPrefix(message, "API key "):
		return inference.Authentication
	case strings.Contains(message, "exceeds the maximum number of tokens"):
		return inference.ContextLength
	}
	return inference.InvalidRequest
}

// statuses are those that Google uses in a way of its own. Of 405 and 406 the base URL is not what it was taken for.
var statuses = map[int]inference.Category{
	http.StatusPaymentRequired:  inference.QuotaExhausted,
	499:                         inference.ServerError,
	http.StatusMethodNotAllowed: inference.Protocol,
	http.StatusNotAcceptable:    inference.Protocol,
}
