package pricing

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// CalculatorUnit multiplies a quantity by a price.
const CalculatorUnit = "unit"

// What can go wrong with prices.
var (
	ErrNoRules       = fault.New(503, "price_no_rules", "This model has no price and cannot be called.")
	ErrUnpriced      = fault.New(503, "price_unpriced", "Part of this request has no price, so it cannot be served.")
	ErrOverflow      = fault.New(400, "price_overflow", "The cost of this request is too large to be computed.")
	ErrCurrencyMixed = fault.New(400, "price_currency_mixed", "The rules of one set must share a currency.")
	ErrCalculator    = fault.New(400, "price_calculator_unknown", "The calculator type is not known.")
	ErrPrice         = fault.New(400, "price_invalid", "The price is not a valid decimal number.")
	ErrUnit          = fault.New(400, "price_unit_unknown", "The unit is not known.")
	ErrResource      = fault.New(400, "price_resource_unknown", "The resource type is not known.")
)
