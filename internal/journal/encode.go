package journal

import (
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// kind tells entries apart in a frame. The values are on disk.
type kind byte

const (
	kindOpen   kind = 1
	kindMark   kind = 2
	kindRecord kind = 3
)

func (o *Open) append(b []byte) []byte {
	b = appendID(b, &o.WalletID)
	b = appendID(b, &o.RevenueID)
	return appendTask(b, &o.Task)
}

func (o *Open) read(r *reader) {
	o.WalletID, o.RevenueID = r.id(), r.id()
	readTask(r, &o.Task)
}

func (m *Mark) append(b []byte) []byte {
	b = appendID(b, &m.TaskID)
	b = appendInt(b, int64(m.Amount))
	b = appendUsage(b, &m.Usage)
	return appendText(b, m.Lines)
}

func (m *Mark) read(r *reader) {
	m.TaskID, m.Amount, m.Usage, m.Lines = r.id(), money.Amount(r.int()), r.usage(), r.bytes()
}

func (v *Record) append(b []byte) []byte {
	b = appendTask(b, &v.Task)
	b = appendInt(b, int64(len(v.Transfers)))
	for i := range v.Transfers {
		b = appendTransfer(b, &v.Transfers[i])
	}
	switch {
	case v.Replay != nil:
		b = appendReplay(b, v.Replay)
	case v.Kept != nil:
		b = appendReplay(b, &tasks.Replay{}) // what follows has its place
	}
	if v.Kept != nil {
		b = appendKept(b, v.Kept)
	}
	return b
}

// maxTransfers bounds what a reader believes.
const maxTransfers = 1 << 10

func (v *Record) read(r *reader) {
	readTask(r, &v.Task)
	n := r.int()
	if n < 0 || n > maxTransfers {
		r.err = errShort
		return
	}
	v.Transfers = make([]wallet.Transfer, n)
	for i := range v.Transfers {
		readTransfer(r, &v.Transfers[i])
	}
	if len(r.b) > 0 { // records without a key end here, and so do those of versions that knew none
		v.Replay = readReplay(r)
	}
	if v.Replay != nil && v.Replay.TaskID.IsZero() {
		v.Replay = nil
	}
	if len(r.b) > 0 {
		v.Kept = readKept(r)
	}
}

// appendTask writes every field of a task but Number, which the database gives.
func appendTask(b []byte, t *tasks.Task) []byte {
	b = appendID(b, &t.ID)
	b = appendText(b, t.RequestID)
	b = appendID(b, &t.TenantID)
	b = appendID(b, &t.UserID)
	b = appendID(b, &t.GroupID)
	b = appendID(b, &t.APIKeyID)
	b = appendText(b, t.APIKeyName)
	b = appendText(b, t.APIKeyPrefix)
	b = appendText(b, t.Kind)
	b = appendText(b, t.ModelType)
	b = appendText(b, t.RunMode)
	b = appendBool(b, t.Async)
	b = appendBool(b, t.Stream)
	b = appendText(b, t.Status)
	b = appendText(b, t.RequestedModel)
	b = appendText(b, t.ResolvedModel)
	b = appendID(b, &t.PlatformID)
	b = appendID(b, &t.PlatformModelID)
	b = appendText(b, t.Provider)
	b = appendBool(b, t.Simulated)
	b = appendText(b, t.ErrorCode)
	b = appendText(b, t.ErrorMessage)
	b = appendInt(b, int64(t.HTTPStatus))
	b = appendUsage(b, &t.Usage)
	b = appendText(b, t.Currency)
	b = appendInt(b, int64(t.Held))
	b = appendInt(b, int64(t.Charged))
	b = appendText(b, t.BillReason)
	b = appendText(b, t.Attempts)
	b = appendInt(b, int64(t.AttemptCount))
	b = appendText(b, t.Lines)
	b = appendText(b, t.Route)
	b = appendText(b, t.Preprocessing)
	b = appendText(b, t.Request)
	b = appendText(b, t.Result)
	b = appendText(b, t.RemoteTaskID)
	b = appendText(b, t.RemotePayload)
	b = appendInt(b, t.JobID)
	b = appendInt(b, int64(t.TTFT))
	b = appendTime(b, t.StartedAt)
	b = appendTime(b, t.FinishedAt)
	b = appendTime(b, t.CreatedAt)
	return appendTime(b, t.UpdatedAt)
}

func readTask(r *reader, t *tasks.Task) {
	t.ID, t.RequestID = r.id(), r.text()
	t.TenantID, t.UserID, t.GroupID, t.APIKeyID = r.id(), r.id(), r.id(), r.id()
	t.APIKeyName, t.APIKeyPrefix = r.text(), r.text()
	t.Kind, t.ModelType, t.RunMode = inference.Kind(r.text()), inference.ModelType(r.text()), r.text()
	t.Async, t.Stream, t.Status = r.bool(), r.bool(), tasks.Status(r.text())
	t.RequestedModel, t.ResolvedModel = r.text(), r.text()
	t.PlatformID, t.PlatformModelID, t.Provider, t.Simulated = r.id(), r.id(), r.text(), r.bool()
	t.ErrorCode, t.ErrorMessage, t.HTTPStatus = r.text(), r.text(), int(r.int())
	t.Usage, t.Currency = r.usage(), money.Currency(r.text())
	t.Held, t.Charged, t.BillReason = money.Amount(r.int()), money.Amount(r.int()), r.text()
	t.Attempts, t.AttemptCount, t.Lines = r.bytes(), int(r.int()), r.bytes()
	t.Route, t.Preprocessing, t.Request, t.Result = r.bytes(), r.bytes(), r.bytes(), r.bytes()
	t.RemoteTaskID, t.RemotePayload, t.JobID = r.text(), r.bytes(), r.int()
	t.TTFT = time.Duration(r.int())
	t.StartedAt, t.FinishedAt, t.CreatedAt, t.UpdatedAt = r.time(), r.time(), r.time(), r.time()
}

// appendTransfer writes every field of a transfer but Number and the balances, which posting fills in.
func appendTransfer(b []byte, t *wallet.Transfer) []byte {
	b = appendID(b, &t.ID)
	b = appendTime(b, t.At)
	b = appendText(b, t.Kind)
	b = appendText(b, t.Currency)
	b = appendInt(b, int64(t.Amount))
	b = appendID(b, &t.DebitAccountID)
	b = appendID(b, &t.CreditAccountID)
	b = appendText(b, t.RefType)
	b = appendText(b, t.RefID)
	b = appendInt(b, int64(t.HoldAmount))
	b = appendText(b, t.Reason)
	return appendText(b, t.Metadata)
}

func readTransfer(r *reader, t *wallet.Transfer) {
	t.ID, t.At, t.Kind, t.Currency = r.id(), r.time(), wallet.TransferKind(r.text()), money.Currency(r.text())
	t.Amount, t.DebitAccountID, t.CreditAccountID = money.Amount(r.int()), r.id(), r.id()
	t.RefType, t.RefID, t.HoldAmount, t.Reason, t.Metadata = r.text(), r.text(), money.Amount(r.int()), r.text(), r.bytes()
}
