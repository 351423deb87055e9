package relay

import (
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
)

// giveUp ends a call that was delivered nothing: the hold is released and the failure recorded and answered.
func (c *call) giveUp(o provider.Outcome) {
	c.hold.Release()
	c.fail(faultOf(o))
	c.statuses = tasks.Failed
	if o.Category == inference.Canceled {
		c.statuses = tasks.Canceled
	}
	c.record()
	c.answerFailure()
}

// record hands everything that the call leaves behind to the journal, once.
func (c *call) record() journal.Ticket {
	c.settled = true
	r := &journal.Record{Kept: c.keptAnswer()}
	c.tellTask(&r.Task)
	if c.charged > 0 {
		r.Transfers = append(make([]wallet.Transfer, 0, 1), c.transfer(wallet.TransferCapture, c.purse.ID, c.charged))
	}
	if c.overrun > 0 {
		from := c.accounts.ID(wallet.CodeWriteoffOverrun, c.purse.Currency)
		r.Transfers = append(r.Transfers, c.transfer(wallet.TransferOverrun, from, c.overrun))
	}
	if c.tape != nil {
		return c.recordReplay(r)
	}
	return c.journal.Append(r)
}

func (c *call) transfer(k wallet.TransferKind, from id.ID, amount money.Amount) wallet.Transfer {
	now := c.now()
	return wallet.Transfer{
		ID: id.At(now), At: now, Kind: k, Currency: c.purse.Currency, Amount: amount, DebitAccountID: from,
		CreditAccountID: c.revenue(), RefType: "task", RefID: c.taskID.String(), HoldAmount: c.held, Reason: string(c.outcome),
	}
}

// revenue is the account that the call's charge goes to.
func (c *call) revenue() id.ID { return c.accounts.ID(wallet.CodeRevenueUsage, c.purse.Currency) }

// tellTask fills in the call as it ended.
func (c *call) tellTask(t *tasks.Task) {
	c.identify(t, c.now())
	t.Attempts, t.Route = tasks.AppendAttempts(nil, c.attempts), c.explain()
	t.Lines = pricing.AppendLines(nil, c.lines)
	if len(c.preprocessed) > 0 {
		t.Preprocessing = c.marshal(c.preprocessed)
	}
}

// identify fills in who called, what for, and where to, without the story of how it went. Tasks are large: it fills them
// in where they stay.
func (c *call) identify(t *tasks.Task, now time.Time) {
	p := c.principal
	*t = tasks.Task{
		ID: c.taskID, RequestID: c.requestID, TenantID: p.TenantID, UserID: p.UserID, GroupID: p.GroupID,
		APIKeyID: p.KeyID, APIKeyName: p.KeyName, APIKeyPrefix: p.KeyPrefix, Kind: c.op.Format.Kind(),
		ModelType: c.op.Format.Kind().ModelType(), RunMode: "live", Stream: c.ask.Stream, Status: c.statuses,
		RequestedModel: c.ask.Model, HTTPStatus: c.status, Usage: c.metered.Usage, Held: c.held, Charged: c.charged,
		BillReason: string(c.outcome), AttemptCount: len(c.attempts), TTFT: c.ttft, FinishedAt: now, CreatedAt: c.start,
		UpdatedAt: now,
	}
	if t.Status == "" {
		t.Status = tasks.Failed
	}
	if c.failure != nil {
		t.ErrorCode, t.ErrorMessage = c.failure.Code, c.failure.Message
	}
	if c.purse != nil {
		t.Currency = c.purse.Currency
	}
	if len(c.attempts) > 0 {
		t.StartedAt = c.attempts[0].StartedAt
	}
	if c.target != nil {
		t.ResolvedModel, t.PlatformID, t.PlatformModelID = c.target.Model.ProviderModelName, c.target.Platform.ID, c.target.Model.ID
		t.Provider, t.Simulated = c.target.Platform.Provider, c.target.Simulated
		if t.Simulated {
			t.RunMode = "simulation"
		}
	}
}

// marshal writes what is made of strings, numbers and times only, which cannot fail.
func (c *call) marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		c.log.Error("task part not written", "request_id", c.requestID, "error", err)
		return json.RawMessage("null")
	}
	return b
}
