package journal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func TestEntriesSurviveMarshalling(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	open := journal.Open{Task: tasks.Task{ID: id.New(), Held: 9, CreatedAt: at}, WalletID: id.New(), RevenueID: id.New()}
	mark := journal.Mark{TaskID: open.Task.ID, Amount: 4, Lines: []byte(`[1]`)}
	record := *journal.Interrupted(&open, &mark, at)
	var gotOpen journal.Open
	var gotMark journal.Mark
	var gotRecord journal.Record
	for _, e := range []struct {
		from interface{ MarshalBinary() ([]byte, error) }
		to   interface{ UnmarshalBinary([]byte) error }
	}{{&open, &gotOpen}, {&mark, &gotMark}, {&record, &gotRecord}} {
		b, err := e.from.MarshalBinary()
		if err == nil {
			err = e.to.UnmarshalBinary(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.to.UnmarshalBinary(b[:len(b)-1]) == nil || e.to.UnmarshalBinary(append(b, 0)) == nil || e.to.UnmarshalBinary(nil) == nil {
			t.Error("an entry of another length was read")
		}
	}
	if d := cmp.Diff([]any{open, mark, record}, []any{gotOpen, gotMark, gotRecord}); d != "" {
		t.Error(d)
	}
}

func TestInterruptedChargesTheMark(t *testing.T) {
	t.Parallel()
	open := journal.Open{Task: tasks.Task{ID: id.New(), Held: 9, Currency: "USD"}, WalletID: id.New(), RevenueID: id.New()}
	if r := journal.Interrupted(&open, nil, time.Now()); len(r.Transfers) != 0 || r.Task.Status != tasks.Failed {
		t.Errorf("without a mark: %+v", r)
	}
	r := journal.Interrupted(&open, &journal.Mark{Amount: 4}, time.Now())
	if len(r.Transfers) != 1 || r.Transfers[0].Amount != 4 || r.Transfers[0].DebitAccountID != open.WalletID ||
		r.Transfers[0].Kind != wallet.TransferCapture || r.Task.Charged != 4 {
		t.Errorf("with a mark: %+v", r)
	}
}

func TestPromise(t *testing.T) {
	t.Parallel()
	ticket, resolve := journal.Promise()
	if ticket.Done() {
		t.Error("done before it was")
	}
	resolve(wallet.ErrBilling)
	if err := ticket.Wait(t.Context()); !errors.Is(err, wallet.ErrBilling) || !ticket.Done() {
		t.Error(err)
	}
}
