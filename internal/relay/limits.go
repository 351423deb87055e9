package relay

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Guard keeps calls within quotas and rate limits. A nil *Guard limits nothing.
type Guard struct {
	// Policies are those of tenants, groups, users and apps; a key's come with its principal.
	Policies limits.Policies
	Windows  *limits.Limiter
	Budgets  *limits.Budgets

	keys limits.Texts
}

// limited is what a call has reserved of its limits. The zero value has nothing reserved.
type limited struct {
	subjects  []limits.Subject // the caller's scopes, then the target's
	caller    int              // how many are the caller's
	admission limits.Admission
	budget    limits.Reservation
	tried     bool // the target was sent the call
	promised  bool // an upstream works at it already: nothing is refused any more
	part      bool // of a session, which is the one request under way that counts
}

// callerLimits finds what limits the caller, once per call. Codes: limits_unavailable.
func (c *call) callerLimits() (err error) {
	c.limited.subjects, err = c.guard.appendCallerLimits(c.ctx(), make([]limits.Subject, 0, 8), c.principal)
	c.limited.caller = len(c.limited.subjects)
	return err
}

// CallerLimits are what limits a caller, whatever it calls. Codes: limits_unavailable.
func (g *Guard) CallerLimits(ctx context.Context, p *identity.Principal) ([]limits.Subject, error) {
	return g.appendCallerLimits(ctx, nil, p)
}

func (g *Guard) appendCallerLimits(
	ctx context.Context, to []limits.Subject, p *identity.Principal,
) ([]limits.Subject, error) {
	for _, s := range [...]limits.Scope{
		{Kind: limits.KindTenant, ID: p.TenantID},
		{Kind: limits.KindGroup, ID: p.GroupID},
		{Kind: limits.KindUser, ID: p.UserID},
		{Kind: limits.KindApp, ID: p.AppID},
	} {
		if s.ID.IsZero() || g.Policies == nil {
			continue
		}
		policy, err := g.Policies.Of(ctx, s)
		if err != nil {
			return to, err
		}
		to = append(to, limits.Subject{Scope: s, Policy: policy})
	}
	if !p.KeyID.IsZero() {
		policy, err := g.keys.Compile(p.RateLimitPolicy, p.QuotaPolicy)
		if err != nil {
			return to, err
		}
		key := limits.Scope{Kind: limits.KindKey, ID: p.KeyID}
		to = append(to, limits.Subject{Scope: key, Policy: policy})
	}
	return to, nil
}

// admitLimits reserves what the call can take at most at a target, of the caller's quotas and of everybody's windows. What
// it had reserved for an earlier target is given back before. Codes: quota_exceeded, rate_limit, upstream_rate_limit.
func (c *call) admitLimits(t *Target, currency money.Currency, worst money.Amount) error {
	if c.guard == nil {
		return nil
	}
	l := &c.limited
	c.leaveLimits()
	l.subjects = append(l.subjects[:l.caller], t.Limits...)
	reserve := c.guard.Budgets.Reserve
	if l.promised {
		reserve = c.guard.Budgets.Resume
	}
	err := reserve(c.ctx(), &l.budget, c.accepted, l.subjects[:l.caller], currency, worst)
	if err != nil {
		return err
	}
	l.admission, err = c.guard.Windows.Admit(c.ctx(), l.subjects, c.weights(t, l.subjects, currency, worst))
	c.showLimits()
	switch {
	case err == nil:
	case l.promised:
		l.admission, err = limits.Admission{}, nil
	default:
		l.budget.Release()
	}
	return err
}

// requests is as how many requests the call counts.
func (l *limited) requests() int64 {
	if l.part {
		return 0
	}
	return 1
}

// leaveLimits ends what was reserved for a target that served nothing. Where the call was sent there, the target has had
// its request.
func (c *call) leaveLimits() {
	c.limited.budget.Release()
	var target limits.Weights
	if c.limited.tried {
		target.Requests = c.limited.requests()
	}
	c.limited.admission.End(limits.Weights{}, target)
	c.limited.tried = false
	c.endRace(target)
}

// weights are what the call can take at most. Its input is estimated where anybody counts tokens: the bytes that bound it
// are several times as many.
func (c *call) weights(t *Target, of []limits.Subject, currency money.Currency, worst money.Amount) limits.Weights {
	w := limits.Weights{
		Requests: 1, Amount: worst, Currency: currency, Images: askedImages(c.op.Format.Kind(), &c.ask), Seconds: c.ask.Seconds,
	}
	if limits.Needs(of, limits.Tokens) {
		if c.inputTokens == 0 {
			c.inputTokens = c.op.Format.InputTokens(c.body, &c.ask)
		}
		w.Tokens = min(c.inputTokens, t.inputBound(&c.ask)) + c.maxOutput*c.ask.Choices
	}
	return w
}

// settleLimits books what the call took and cost.
func (c *call) settleLimits() {
	u := &c.metered.Usage
	w := limits.Weights{
		Requests: c.limited.requests(), Tokens: u.InputTokens() + u.OutputTokens(), Images: u.Quantities[inference.Image],
		Seconds: u.Quantities[inference.VideoSecond] + u.Quantities[inference.AudioSecond], Amount: c.charged,
	}
	c.limited.budget.Settle(c.charged)
	c.limited.admission.End(w, w)
	c.endRace(w)
}

// endLimits ends whatever is still reserved when the call ends. A call that was tried and failed counts as a request.
func (c *call) endLimits() {
	c.limited.budget.Release()
	var w limits.Weights
	if len(c.attempts) > 0 {
		w.Requests = c.limited.requests()
	}
	target := w
	if !c.limited.tried {
		target = limits.Weights{}
	}
	c.limited.admission.End(w, target)
	c.endRace(target)
}

// affordableNow is what the wallet may still spend, or less where a quota bounds it.
func (c *call) affordableNow(spendable money.Amount, currency money.Currency) (money.Amount, error) {
	if c.guard == nil {
		return spendable, nil
	}
	left, ok, err := c.guard.Budgets.Affordable(c.ctx(), c.accepted, c.limited.subjects[:c.limited.caller], currency)
	if err != nil || !ok {
		return spendable, err
	}
	return min(spendable, left), nil
}

// showLimits tells the caller how far its own limits are used, in the headers that SDKs know.
func (c *call) showLimits() {
	h := c.w.Header()
	showLevel(h, "Requests", c.limited.admission.Requests)
	showLevel(h, "Tokens", c.limited.admission.Tokens)
}

func showLevel(h http.Header, metric string, l limits.Level) {
	if l.Limit == 0 {
		return
	}
	h.Set("X-Ratelimit-Limit-"+metric, strconv.FormatInt(l.Limit, 10))
	h.Set("X-Ratelimit-Remaining-"+metric, strconv.FormatInt(l.Remaining, 10))
	h.Set("X-Ratelimit-Reset-"+metric, l.Reset.Round(time.Millisecond).String())
}
