package gateway

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
)

// plainEnd is why a bill came about when nothing went wrong; it is not shown.
const plainEnd = "usage"

// showBill shows the stored lines and their sum. Nothing is computed again.
func showBill(out *api.StoreGatewayTask, t *tasks.Task) error {
	var lines []pricing.Line
	if object(t.Lines) != nil {
		if err := json.Unmarshal(t.Lines, &lines); err != nil {
			return fmt.Errorf("lines of task %s: %w", t.ID, err)
		}
	}
	out.Billings = make([]api.GantryBillingLine, len(lines))
	for i := range lines {
		out.Billings[i] = showLine(&lines[i])
	}
	if t.Currency == "" {
		return nil
	}
	c := t.Currency
	out.Currency, out.FinalChargeAmount, out.FinalChargeAmountText = string(c), money.NumberOf(t.Charged, c), t.Charged.Text(c)
	summary := billingSummary{
		Amount: out.FinalChargeAmount, Text: out.FinalChargeAmountText, Currency: string(c), Estimated: t.Usage.Estimated,
		Hold: t.Held.Text(c),
	}
	if t.BillReason != plainEnd {
		summary.Reason = t.BillReason
	}
	out.BillingSummary = marshal(summary)
	return nil
}

// showLine shows a line in the unit that its price was entered in.
func showLine(l *pricing.Line) api.GantryBillingLine {
	quantity := quantityIn(l.Quantity, max(1, l.Unit.Size()))
	out := api.GantryBillingLine{
		Resource: l.Resource.String(), Quantity: money.Number(quantity), QuantityText: quantity, Unit: string(l.Unit),
		UnitPriceText: l.UnitPrice(), Currency: string(l.Currency), Amount: money.NumberOf(l.Amount, l.Currency),
		AmountText: l.Amount.Text(l.Currency), Estimated: l.Estimated, Factors: []api.GantryBillingFactor{},
	}
	for _, f := range l.Factors {
		out.Factors = append(out.Factors, api.GantryBillingFactor{Name: f.Name, ValueText: f.Value.Text()})
	}
	return out
}

// quantityIn is n natural units in units of size, a power of ten, as an exact decimal. It borrows the printing of prices,
// which have fifteen places.
func quantityIn(n, size int64) string {
	text, err := money.Price(n).Text(1_000_000_000_000_000 / size)
	if err != nil {
		return strconv.FormatInt(n, 10)
	}
	return text
}
