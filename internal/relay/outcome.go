package relay

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
)

// retryLater is what a caller is told to wait when nothing better is known.
const retryLater = 5 * time.Second

// What a caller is told when no attempt succeeded. A fault of the operator's account is never shown as the caller's.
var outcomeFaults = map[inference.Category]*fault.Error{
	inference.InvalidRequest: fault.New(http.StatusBadRequest, "invalid_parameter", "The upstream refused the request."),
	inference.ContentPolicy:  fault.New(http.StatusBadRequest, "content_policy_violation", "The request was refused by the upstream's content policy."),
	inference.ContextLength:  fault.New(http.StatusBadRequest, "context_length_exceeded", "The request is longer than the model's context."),
	inference.NotFound:       fault.New(http.StatusBadGateway, "upstream_error", "The upstream does not know this model."),
	inference.Authentication: fault.New(http.StatusBadGateway, "upstream_error", "The upstream did not accept Gantry's credentials."),
	inference.Permission:     fault.New(http.StatusBadGateway, "upstream_error", "The upstream does not allow this model."),
	inference.QuotaExhausted: fault.New(http.StatusBadGateway, "upstream_error", "The upstream account has no quota left."),
	inference.RateLimited:    fault.New(http.StatusTooManyRequests, "rate_limit", "The upstream is limiting requests. Try again later."),
	inference.Overloaded:     fault.New(http.StatusServiceUnavailable, "upstream_error", "The upstream is overloaded. Try again later."),
	inference.ServerError:    fault.New(http.StatusBadGateway, "upstream_error", "The upstream failed."),
	inference.Timeout:        fault.New(http.StatusGatewayTimeout, "upstream_timeout", "The upstream did not answer in time."),
	inference.Connect:        fault.New(http.StatusBadGateway, "upstream_error", "The upstream could not be reached."),
	inference.Protocol:       fault.New(http.StatusBadGateway, "upstream_bad_response", "The upstream's answer is not valid."),
	inference.Canceled:       fault.ErrClientGone,
}

// faultOf turns an outcome into what the caller is told. Only where the request itself is at fault does the upstream's
// own message help the caller, and only those are passed on.
func faultOf(o provider.Outcome) *fault.Error {
	f, known := outcomeFaults[o.Category]
	if !known {
		f = outcomeFaults[inference.ServerError]
	}
	if stops(o.Category) && o.Message != "" {
		f = f.Saying(o.Message)
		if o.Code != "" && o.Category == inference.InvalidRequest {
			f = f.With("upstreamCode", o.Code)
		}
	}
	switch {
	case o.RetryAfter > 0:
		f = f.After(o.RetryAfter)
	case f.Status == http.StatusTooManyRequests || f.Status == http.StatusServiceUnavailable:
		f = f.After(retryLater)
	}
	return f
}

// seconds is a duration as Retry-After writes it: whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

func itoa(n int) string { return strconv.Itoa(n) }
