package relay

import (
	"errors"
	"net/http"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// defaultMaxOutput limits the output of a model whose own limit is not known, when the caller gave none.
const defaultMaxOutput = 32_768

var errUnbounded = fault.New(http.StatusBadRequest, "output_limit_required",
	"This installation requires a limit on output tokens: set max_tokens.").At("max_tokens")

// reserve holds the worst-case cost of serving the request by the first target that is not at its limits, or by one of the
// route's fallback.
func (c *call) reserve() error { return c.reserveIn(c) }

// reserveIn is reserve in a world.
func (c *call) reserveIn(w world) error {
	if c.guard != nil {
		if err := c.callerLimits(); err != nil {
			return err
		}
	}
	err := c.plan.begin(w)
	for (errors.Is(err, limits.ErrTarget) || errors.Is(err, errNoUpstream)) && c.fallBack() {
		err = c.plan.begin(w)
	}
	if err == nil {
		c.budget.request()
	}
	return err
}

// reserveFor makes the hold large enough for a target. What an earlier target needed is given back first. The journal is
// told and not waited for: nothing is delivered before something that comes later in it is durable.
func (c *call) reserveFor(t *Target) error {
	c.hold.Release()
	c.leaveLimits()
	c.held = 0
	if err := c.shapeFor(t); err != nil {
		return err
	}
	if c.schedule = t.Schedule.At(c.accepted); c.schedule == nil {
		return pricing.ErrNoRules.Because(t.PriceError)
	}
	c.dimensions = c.priceDimensions()
	purse, err := c.wallets.Wallet(c.ctx(), c.principal.UserID, c.schedule.Currency)
	if err != nil {
		return err
	}
	c.purse = purse
	worst, err := c.worstCase(t, purse)
	if err != nil {
		return err
	}
	if err = c.cross(t); err != nil {
		return err
	}
	if err = c.admitLimits(t, purse.Currency, worst); err != nil {
		return err
	}
	if c.hold, err = purse.Hold(worst); err != nil {
		return err
	}
	c.held = worst
	c.target = t
	c.open()
	return nil
}

// open takes down what is held, and for which target.
func (c *call) open() {
	o := opens.Get().(*journal.Open) //nolint:forcetypeassert // the pool holds nothing else
	*o = journal.Open{WalletID: c.purse.ID, RevenueID: c.revenue(), LeaseID: c.hold.Lease}
	c.identify(&o.Task, c.start)
	o.Task.Status = tasks.Running
	c.journal.Open(o)
	*o = journal.Open{} // what it refers to may go
	opens.Put(o)
}

// opens are used again: of an open call they would be the largest thing that nobody needs.
var opens = sync.Pool{New: func() any { return new(journal.Open) }}

// worstCase is the most that the call can cost at a target. It decides the output limit that goes upstream: without one
// the cost would have no bound. Source: MONEY section 3.
func (c *call) worstCase(t *Target, purse *wallet.Wallet) (money.Amount, error) {
	most := c.inputs(inference.Usage{})
	most.Split = true // how the tokens will divide into cached ones, reasoning and so on is not known yet
	most.Usage.Quantities[inference.TextInput] = t.inputBound(&c.ask)
	kind := c.op.Format.Kind()
	askedUnits(kind, &c.ask, &most.Usage)
	if !producesText(kind) {
		most.Usage = chargeable(kind, c.schedule, most.Usage)
		most.PricedOnly = hasPieces(kind)
		return c.schedule.WorstCase(&most)
	}
	limit := c.ask.MaxOutput
	if limit == 0 {
		if c.limits.RejectUnbounded {
			return 0, errUnbounded
		}
		var err error
		if limit, err = c.affordable(t, purse, &most); err != nil {
			return 0, err
		}
	}
	c.maxOutput = limit
	most.Usage.Quantities[inference.TextOutput] = limit * c.ask.Choices
	return c.schedule.WorstCase(&most)
}

// inputs are what the call's price depends on, for the hold and for the bill alike.
func (c *call) inputs(u inference.Usage) pricing.Inputs {
	in := pricing.Inputs{Usage: u}
	c.priceBy(&in)
	return in
}

// priceBy fills in what the call's price depends on beside its usage.
func (c *call) priceBy(in *pricing.Inputs) {
	in.At, in.Discounts, in.Dimensions = c.accepted, c.discounts, c.dimensions
}

// affordable is the output limit for a call that gave none: the model's own, or less where the wallet affords less.
func (c *call) affordable(t *Target, purse *wallet.Wallet, input *pricing.Inputs) (int64, error) {
	limit := t.outputAt(&c.ask)
	spendable, err := c.affordableNow(purse.Spendable(), purse.Currency)
	if err != nil {
		return 0, err
	}
	fits := func(tokens int64) (bool, error) {
		most := *input
		most.Usage.Quantities[inference.TextOutput] = tokens * c.ask.Choices
		amount, err := c.schedule.WorstCase(&most)
		return amount <= spendable, err
	}
	if ok, err := fits(limit); ok || err != nil {
		return limit, err
	}
	low, high := int64(0), limit // low fits or is zero, high does not fit
	for high-low > 1 {
		middle := low + (high-low)/2
		ok, err := fits(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return max(1, low), nil // who cannot afford one token is refused by what does not cover it
}

// producesText reports whether an operation's output is tokens of text.
func producesText(k inference.Kind) bool {
	switch k {
	case inference.Chat, inference.Responses, inference.Messages, inference.GenerateContent, inference.Completions:
		return true
	default:
		return false
	}
}
