package wallet_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestParseOverdrafts(t *testing.T) {
	t.Parallel()
	type amounts = map[money.Currency]money.Amount
	for policies, want := range map[string]struct {
		amounts amounts
		refused string
	}{
		``:                   {amounts: amounts{}},
		`{}`:                 {amounts: amounts{}},
		`null`:               {amounts: amounts{}},
		`{"overdraft":null}`: {amounts: amounts{}},
		`{"overdraft":{"USD":"10","JPY":"0.000001"},"other":[1]}`: {amounts: amounts{"USD": 10_000_000_000, "JPY": 1}},
		`{"overdraft":{"CNY":"0"}}`:                               {amounts: amounts{"CNY": 0}},
		`{"overdraft":{"USD":"1e1"}}`:                             {amounts: amounts{"USD": 10_000_000_000}},
		`[]`:                                                      {refused: "policy_invalid policies"},
		`{"overdraft":"10"}`:                                      {refused: "policy_invalid policies.overdraft"},
		`{"overdraft":{"USD":10}}`:                                {refused: "policy_invalid policies.overdraft.USD"},
		`{"overdraft":{"USD":null}}`:                              {refused: "policy_invalid policies.overdraft.USD"},
		`{"overdraft":{"usd":"10"}}`:                              {refused: "currency_unsupported policies.overdraft.usd"},
		`{"overdraft":{"USD":"-1"}}`:                              {refused: "amount_invalid policies.overdraft.USD"},
		`{"overdraft":{"USD":"ten"}}`:                             {refused: "amount_invalid policies.overdraft.USD"},
		`{"overdraft":{"USD":"9000000000"}}`:                      {refused: "amount_invalid policies.overdraft.USD"},
		`{"overdraft":{"USD":"0.0000000001"}}`:                    {refused: "amount_precision policies.overdraft.USD"},
		`{"overdraft":{"USD":"1","AAA":"1"}}`:                     {refused: "currency_unsupported policies.overdraft.AAA"},
	} {
		got, err := wallet.ParseOverdrafts(json.RawMessage(policies))
		refused := ""
		if err != nil {
			refused = fault.From(err).Code + " " + fault.From(err).Path
		}
		if refused != want.refused || !maps.Equal(got, want.amounts) {
			t.Errorf("%s: %v, %q; want %v, %q", policies, got, refused, want.amounts, want.refused)
		}
	}
}
