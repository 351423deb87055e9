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
	r := &journal.Record{Task: c.task()}
	if c.charged > 0 {
		r.Transfers = append(r.Transfers, c.transfer(wallet.TransferCapture, c.purse.ID, c.charged))
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

// opening is the call as it stands when money is set aside for it.
func (c *call) opening() tasks.Task {
	t := c.identify(c.start)
	t.Status = tasks.Running
	return t
}

func (c *call) task() tasks.Task {
	t := c.identify(c.now())
	t.Attempts, t.Route = c.marshal(c.attempts), c.explain()
	t.Lines = pricing.AppendLines(nil, c.lines)
	if len(c.preprocessed) > 0 {
		t.Preprocessing = c.marshal(c.preprocessed)
	}
	return t
}

// identify tells who called, what for, and where to, without the story of how it went.
func (c *call) identify(now time.Time) tasks.Task {
	p := c.principal
	t := tasks.Task{
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
	return t
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
