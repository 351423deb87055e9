package routing

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// The policies that hold where nobody entered others, as they are written into the default set of a new installation.
//
// What says that an upstream is in trouble cools one model of one platform. A rate limit is the key's, so the key rests. A
// key that is refused, or whose account has nothing left, leaves rotation until a probe finds it well again.
var (
	DefaultDegradePolicy = json.RawMessage(`{"rules":[` +
		`{"on":["connect","timeout","server_error","overloaded","protocol"],"threshold":3,"windowSeconds":60,` +
		`"cooldownSeconds":10,"maxCooldownSeconds":600,"target":"platform_model"},` +
		`{"on":["rate_limited"],"threshold":1,"windowSeconds":60,"cooldownSeconds":5,"maxCooldownSeconds":600,"target":"credential"}]}`)
	DefaultAutoDisablePolicy = json.RawMessage(`{"enabled":true,"rules":[` +
		`{"on":["authentication","quota_exhausted"],"threshold":1,"windowSeconds":60}],` +
		`"target":"credential","recoverAfterSeconds":60}`)
)

// DefaultRetry is the retryPolicy that holds where nobody entered one.
func DefaultRetry() Retry {
	return Retry{
		MaxAttempts: 2, RespectRetryAfter: true,
		Backoff: Backoff{Initial: 100 * time.Millisecond, Max: 2 * time.Second, Multiplier: 2, Jitter: 0.5},
		// A timeout took the caller's patience already, and what refuses a key or a request refuses it again.
		On: CategoriesOf(inference.Connect, inference.ServerError, inference.Overloaded, inference.Protocol),
	}
}

// DefaultRunner is the runner policy that holds where nobody entered one.
func DefaultRunner() *Runner {
	stop := CategoriesOf(inference.InvalidRequest, inference.ContentPolicy, inference.ContextLength, inference.Canceled)
	return &Runner{
		Failover: Failover{Enabled: true, MaxAttempts: 6, On: CategoriesOf(inference.Categories...)},
		HardStop: stop,
	}
}
