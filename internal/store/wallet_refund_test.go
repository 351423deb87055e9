package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestRefunds(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(100)
		task, free := b.call(u, 30), b.call(u, 0)
		refund := func(task id.ID, amount money.Amount, key string) (wallet.Refunded, error) {
			return b.service.Refund(b.ctx, event.Actor{}, wallet.RefundRequest{TaskID: task, Amount: amount, IdempotencyKey: key})
		}
		out, err := refund(task, 12, "a")
		b.ok(err)
		if out.Left != 18 || out.Before.Posted != 70 || out.After.Posted != 82 || out.Entry.Kind != wallet.TransferRefund {
			t.Errorf("refunded: %+v", out)
		}
		again, err := refund(task, 12, "a")
		b.ok(err)
		if again.Entry.ID != out.Entry.ID || again.Left != 18 {
			t.Errorf("repeated: %+v", again)
		}
		for _, c := range []struct {
			task   id.ID
			amount money.Amount
			key    string
			code   string
		}{
			{task, 19, "b", "refund_exceeds_charge"},
			{task, 13, "a", "idempotency_conflict"},
			{task, 0, "c", "amount_invalid"},
			{task, -1, "c", "amount_invalid"},
			{free, 1, "c", "not_found"},
			{id.New(), 1, "c", "not_found"},
		} {
			if _, err := refund(c.task, c.amount, c.key); fault.From(err).Code != c.code {
				t.Errorf("%+v: %v", c, err)
			}
		}
		_, err = refund(task, 18, "")
		b.ok(err)
		b.booked(u, 100)
		b.clean()
	})
}

// TestRefundsAtTheSameTime asks for more than was charged, all at once.
func TestRefundsAtTheSameTime(t *testing.T) {
	t.Parallel()
	eachBank(t, func(t *testing.T, b *bank) {
		t.Helper()
		u, _ := b.user(100)
		task := b.call(u, 50)
		const workers = 12
		results := make(chan error, workers)
		for i := range workers {
			go func() {
				_, err := b.service.Refund(b.ctx, event.Actor{}, wallet.RefundRequest{TaskID: task, Amount: 9, IdempotencyKey: fmt.Sprint(i)})
				results <- err
			}()
		}
		succeeded := 0
		for range workers {
			err := <-results
			switch {
			case err == nil:
				succeeded++
			case !errors.Is(err, wallet.ErrRefund):
				t.Error(err)
			}
		}
		if succeeded != 5 {
			t.Errorf("%d refunds of 9 for a charge of 50, want 5", succeeded)
		}
		b.booked(u, 95)
		b.clean()
	})
}
