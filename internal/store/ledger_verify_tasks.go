package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// billRow is what the books must agree with in a task.
type billRow struct {
	bun.BaseModel `bun:"table:task"`

	Number   int64
	ID       id.ID
	Currency money.Currency
	Charged  money.Amount
	Lines    document
}

func (r billRow) value() billRow { return r }

// taskMoves is what transfers say that a task cost.
type taskMoves struct {
	captures int
	captured money.Amount
	overrun  money.Amount
	currency money.Currency
}

// tasks holds the charge and the bill of every task against its transfers.
func (a *auditor) tasks(ctx context.Context) error {
	return pages[billRow, billRow](ctx, a, whole, func(v *billRow) int64 { return v.Number },
		func(ctx context.Context, page []billRow) error {
			refs := make([]string, len(page))
			for i := range page {
				refs[i] = page[i].ID.String()
			}
			moves, err := a.movesOf(ctx, refs)
			if err != nil {
				return err
			}
			for i := range page {
				a.Tasks++
				a.task(&page[i], moves[refs[i]])
			}
			return nil
		})
}

func (a *auditor) task(v *billRow, m taskMoves) {
	row := "task " + v.ID.String()
	if m.captures > 1 {
		a.Add(wallet.Finding{
			Check: "captures", Row: row, Field: "captures", Expected: "at most 1", Actual: fmt.Sprint(m.captures),
		})
	}
	a.amounts("charges", row, "charged", v.Currency, m.captured, v.Charged)
	if m.currency != "" {
		differs(a, "charges", row, "currency", m.currency, v.Currency)
	}
	billed, err := sumLines(v.Lines, v.Currency)
	if err != nil {
		a.Add(wallet.Finding{Check: "lines", Row: row, Field: "lines", Expected: "a bill", Actual: err.Error()})
		return
	}
	a.amounts("lines", row, "sum of lines", v.Currency, m.captured+m.overrun, billed)
}

// movesOf sums the transfers of tasks by the task.
func (a *auditor) movesOf(ctx context.Context, tasks []string) (map[string]taskMoves, error) {
	transfers, err := all[wallet.Transfer, transferRow](ctx, a.db, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("ref_type = 'task' AND ref_id IN (?)", bun.List(tasks))
	})
	moves := map[string]taskMoves{}
	for i := range transfers {
		v := &transfers[i]
		m := moves[v.RefID]
		m.currency = v.Currency
		switch v.Kind {
		case wallet.TransferCapture:
			m.captures++
			m.captured += v.Amount
		case wallet.TransferOverrun:
			m.overrun += v.Amount
		default:
		}
		moves[v.RefID] = m
	}
	return moves, err
}

// sumLines adds up a bill. Lines are stored as pricing.AppendLines writes them.
func sumLines(lines document, c money.Currency) (sum money.Amount, err error) {
	var bill []struct {
		Currency money.Currency `json:"currency"`
		Amount   string         `json:"amount"`
	}
	if len(lines) == 0 {
		return 0, nil
	}
	if err := json.Unmarshal(lines, &bill); err != nil {
		return 0, err
	}
	for _, l := range bill {
		amount, err := money.Parse(l.Amount, l.Currency)
		if err != nil {
			return 0, err
		}
		if l.Currency != c {
			return 0, fmt.Errorf("a line is in %s", l.Currency)
		}
		if sum, err = sum.Add(amount); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// references looks for the tasks that transfers name, and holds refunds against what they give back.
func (a *auditor) references(ctx context.Context, page []wallet.Transfer) error {
	var tasks []id.ID
	for i := range page {
		v := &page[i]
		if v.Kind == wallet.TransferRefund && v.RefType == wallet.RefRefund {
			if err := a.refund(ctx, v); err != nil {
				return err
			}
		}
		if task, ok := taskOf(v); ok {
			tasks = append(tasks, task)
		}
	}
	known, err := a.known(ctx, tasks)
	if err != nil {
		return err
	}
	for i := range page {
		v := &page[i]
		if task, ok := taskOf(v); v.RefType == "task" && (!ok || !known[task]) {
			a.Add(wallet.Finding{
				Check: "charges", Row: transferName(v), Field: "task", Expected: v.RefID, Actual: "none",
			})
		}
	}
	return nil
}

func taskOf(v *wallet.Transfer) (id.ID, bool) {
	if v.RefType != "task" {
		return id.ID{}, false
	}
	task, err := id.Parse(v.RefID)
	return task, err == nil
}

// known tells which of the tasks are there.
func (a *auditor) known(ctx context.Context, tasks []id.ID) (map[id.ID]bool, error) {
	known := map[id.ID]bool{}
	if len(tasks) == 0 {
		return known, nil
	}
	var found []id.ID
	err := a.db.NewSelect().Table("task").Column("id").Where("id IN (?)", bun.List(tasks)).Scan(ctx, &found)
	for _, task := range found {
		known[task] = true
	}
	return known, failure(err)
}

// refund holds the sum of a task's refunds up to this one against its charge.
func (a *auditor) refund(ctx context.Context, v *wallet.Transfer) error {
	task, _, _ := strings.Cut(v.RefID, ":")
	moves, err := a.movesOf(ctx, []string{task})
	if err != nil {
		return err
	}
	refunds, err := refundsOf(ctx, a.db, task)
	if err != nil {
		return err
	}
	var sum money.Amount
	for _, r := range refunds {
		if r.Number <= v.Number {
			sum += r.Amount
		}
	}
	if charged := moves[task].captured; sum > charged {
		a.Add(wallet.Finding{
			Check: "refunds", Row: transferName(v), Field: "refunded of task " + task,
			Expected: "at most " + money.Money{Currency: v.Currency, Units: charged}.String(),
			Actual:   money.Money{Currency: v.Currency, Units: sum}.String(),
		})
	}
	return nil
}
