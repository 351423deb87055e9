package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// taskLedger shows what a call took from the caller's wallet, and whether that is what the call was charged.
func (s *Surface) taskLedger(w http.ResponseWriter, call *httpx.Call) error {
	task, err := id.Parse(chi.URLParam(call.Request, "taskID"))
	if err != nil {
		return fault.ErrNotFound
	}
	t, err := s.Tasks.TaskByID(call.Context(), call.Principal.UserID, task)
	if err != nil {
		return err
	}
	transfers, err := s.Ledger.TransfersOf(call.Context(), "task", t.ID.String())
	if err != nil {
		return err
	}
	out := api.TaskLedger{Items: []api.LedgerEntry{}}
	var captured money.Amount
	for i := range transfers {
		if transfers[i].Kind != wallet.TransferCapture {
			continue // what the operator bears is not the caller's
		}
		out.Items = append(out.Items, showCapture(&transfers[i]))
		if captured, err = captured.Add(transfers[i].Amount); err != nil {
			return err
		}
	}
	out.Balanced = captured == t.Charged
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showCapture(t *wallet.Transfer) api.LedgerEntry {
	c, before := t.Currency, t.DebitAfter+t.Amount
	return api.LedgerEntry{
		Id: t.ID.String(), At: t.At.UTC(), Kind: api.Capture, Currency: string(c), Reason: t.Reason,
		Amount: money.NumberOf(t.Amount, c), AmountText: t.Amount.Text(c),
		BalanceBefore: money.NumberOf(before, c), BalanceBeforeText: before.Text(c),
		BalanceAfter: money.NumberOf(t.DebitAfter, c), BalanceAfterText: t.DebitAfter.Text(c),
	}
}
