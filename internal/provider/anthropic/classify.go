package anthropic

import (
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// Classify reads an error answer. What the upstream calls the error says more than the status, so it is asked first.
func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	typ, message := wire.ParseError(body)
	o := provider.Outcome{
		Category: categorize(r.StatusCode, typ, message), Code: provider.CleanCode(typ),
		Message: provider.Scrub(message, u.key.Reveal(), u.base.Host), RetryAfter: provider.RetryAfter(r.Header),
	}
	if o.Category == inference.RateLimited && o.RetryAfter == 0 {
		o.RetryAfter = untilReset(r.Header)
	}
	return o
}

// types are the error types with a meaning of their own. Source: the provider sheet, section 5.
var types = map[string]inference.Category{
	"authentication_error": inference.Authentication,
	"billing_error":        inference.QuotaExhausted,
	"permission_error":     inference.Permission,
	"not_found_error":      inference.NotFound,
	"request_too_large":    inference.InvalidRequest,
	"rate_limit_error":     inference.RateLimited,
	"timeout_error":        inference.Timeout,
	"overloaded_error":     inference.Overloaded,
	"api_error":            inference.ServerError,
}

// phrases tell apart what goes by the name of an invalid request, in lower case.
var phrases = []struct {
	says string
	is   inference.Category
}{
	{"credit balance is too low", inference.QuotaExhausted},
	{"api usage limits", inference.QuotaExhausted},
	{"prompt is too long", inference.ContextLength},
	{"exceed context limit", inference.ContextLength},
	{"content filtering policy", inference.ContentPolicy},
	{"organization has been disabled", inference.Permission},
}

func categorize(status int, typ, message string) inference.Category {
	if status < http.StatusInternalServerError {
		lower := strings.ToLower(message)
		for _, p := range phrases {
			if strings.Contains(lower, p.says) {
				return p.is
			}
		}
	}
	if c, ok := types[typ]; ok {
		return c
	}
	return provider.ByStatus(status, statuses)
}

// maxReset bounds what a limit's reset can ask for.
const maxReset = time.Hour

// untilReset is how long it takes until all limits that are used up are there again, by the upstream's own clock; 0 where
// none says.
func untilReset(h http.Header) (wait time.Duration) {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	for _, metric := range [...]string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"} {
		prefix := "Anthropic-Ratelimit-" + metric
		if h.Get(prefix+"-Remaining") != "0" {
			continue
		}
		if reset, err := time.Parse(time.RFC3339, h.Get(prefix+"-Reset")); err == nil {
			wait = max(wait, reset.Sub(now))
		}
	}
	return min(wait, maxReset)
}

// statuses are those that Anthropic, or who is before it, uses in a way of its own. Of some the base URL is not what it was taken for.
var statuses = map[int]inference.Category{
	http.StatusPaymentRequired:  inference.QuotaExhausted,
	http.StatusConflict:         inference.Overloaded,
	529:                         inference.Overloaded,
	http.StatusMethodNotAllowed: inference.Protocol,
	http.StatusNotAcceptable:    inference.Protocol,
	http.StatusUpgradeRequired:  inference.Protocol,
}
