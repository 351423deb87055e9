package relay

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/params"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// call is one request on its way through the steps. One goroutine owns it.
type call struct {
	*Relay
	w         http.ResponseWriter
	req       *http.Request
	op        Operation
	requestID string
	caller    netip.Addr
	chunker   Chunker // w, if it is one
	taskID    id.ID
	start     time.Time
	accepted  time.Time // when the caller was told that the call will be served; prices and quotas go by it
	job       *running  // nil: the caller waits
	trace     Trace     // nil: nobody follows the call
	laps      laps
	class     string // service class; "": an ordinary call
	secure    bool   // the caller speaks HTTPS
	taken     bool   // it is taken up as a task
	handed    bool   // it was handed to somebody else, who tells of it
	delivered bool   // the caller was sent something of the upstream's
	unsent    bool   // of what was delivered, some lies in the server's buffer still
	settled   bool

	// admit
	principal *identity.Principal
	boundary  string // of the form that the request came as; "": it came as JSON
	body      []byte
	ask       wire.Ask
	stored    *stored // what it has to do with answers that are kept; nil: nothing
	spared    int64   // of the bound of its input: bytes of files that are in it, and are no text

	// resolve
	discounts []pricing.NamedFactor // the caller's
	// dimensions are the parameters of the request that its price depends on; nil where it does on none.
	dimensions pricing.Dimensions
	route      *Route
	plan       plan
	forwarded  []forwardStep // from the requested model to the route, by rules
	purpose    string        // causeFallback, causeDecision; "": neither
	fallbacks  int
	failed     []routeCandidate // those of the routes before a fallback

	// shape
	received     *received           // what the caller sent, where body and ask are another for the target; see shapeFor
	changes      []params.Change     // between the two
	preprocessed []preprocessing     // by attempt
	crossing     *translate.Crossing // to the target; nil: it speaks the caller's protocol

	// reserve
	schedule  *pricing.Schedule // in force when the call was accepted; the hold and the bill go by it
	purse     *wallet.Wallet
	hold      wallet.Hold
	held      money.Amount
	maxOutput int64 // the output limit that goes upstream; 0: none is known
	limited   limited

	// attempt
	attempts []tasks.Attempt
	deciding int     // the attempt that decides what follows: the last one, or the one that is left of two
	target   *Target // of the attempt under way, or of the last one
	rivals   *rivals // attempts that may be under way together; nil: one at a time
	turn     *turn   // the part of a session that the call stands for; nil: it is a request of its own

	// deliver
	inputTokens int64 // estimate, for marks and for upstreams that do not tell
	marking     *marking
	marked      int64 // input tokens of the first mark; 0: there is none
	ttft        time.Duration
	owed        []byte // of the answer: what is sent once its charge is durable
	contentType string // of a whole answer that is no JSON
	tape        *tape  // that repeats of the call follow; nil without an idempotency key

	// settle
	outcome  outcome
	charged  money.Amount
	overrun  money.Amount
	lines    []pricing.Line
	metered  wire.Metered
	failure  *fault.Error
	status   int
	statuses tasks.Status
}

// outcome is how the call ended, which decides what is charged. Source: MONEY section 3, "Who pays".
type outcome string

const (
	outcomeNone       outcome = ""            // nothing was delivered: nothing is charged
	outcomeServed     outcome = "usage"       // complete, and the upstream told the usage
	outcomeEstimated  outcome = "estimated"   // complete, but counted here
	outcomeCut        outcome = "cut"         // the upstream broke off in the middle
	outcomeClientGone outcome = "client_gone" // the caller left in the middle
)

func newCall(r *Relay, w http.ResponseWriter, req *http.Request, op Operation, from Caller) *call {
	now := r.now()
	chunker, _ := w.(Chunker)
	return &call{
		Relay: r, w: w, req: req, op: op, requestID: from.RequestID, caller: from.Address, secure: from.Secure,
		chunker: chunker, taskID: id.At(now), start: now, accepted: now,
	}
}

// ctx is the caller's: it ends when the caller leaves.
func (c *call) ctx() context.Context { return c.req.Context() }

// refuse answers a request that never reached an upstream. Only requests of a known caller leave a record: others are
// counted, because anybody can make any number of them.
func (c *call) refuse(err error) {
	c.fail(err)
	if c.principal != nil && c.ask.Model != "" {
		c.record()
	}
	c.answerFailure()
}

// fail notes why the call ends without success.
func (c *call) fail(err error) {
	c.failure = fault.From(err)
	c.status = c.failure.Status
	if own, ok := c.op.Format.(wire.StatusTeller); ok {
		c.status = own.Status(c.failure)
	}
}

// answerFailure sends the failure in the caller's protocol, unless the answer has begun.
func (c *call) answerFailure() {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	if c.failure.RetryAfter > 0 {
		h.Set("Retry-After", seconds(c.failure.RetryAfter))
	}
	if c.failure.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="gantry"`)
	}
	c.w.WriteHeader(c.status)
	c.write(c.op.Format.ErrorBody(c.failure))
}

// finish makes sure that nothing is left open, whatever happened before.
func (c *call) finish() {
	if c.handed {
		return
	}
	c.hold.Release()
	c.endLimits()
	c.plan.abandon(c)
	if c.unsent {
		_ = http.NewResponseController(c.w).Flush() // the caller need not wait until all is told
	}
	c.metrics.observe(c)
	c.tell()
}
