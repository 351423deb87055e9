package pricing

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// What can go wrong with prices.
var (
	ErrNoRules       = fault.New(503, "price_no_rules", "This model has no price and cannot be called.")
	ErrUnpriced      = fault.New(503, "price_unpriced", "Part of this request has no price, so it cannot be served.")
	ErrDimension     = fault.New(400, "price_dimension", "There is no price for this combination of parameters.")
	ErrOverflow      = fault.New(400, "price_overflow", "The cost of this request is too large to be computed.")
	ErrCurrencyMixed = fault.New(400, "price_currency_mixed", "The rules of one set must share a currency.")
	ErrCalculator    = fault.New(400, "price_calculator_unknown", "The calculator type is not known.")
	ErrPrice         = fault.New(400, "amount_invalid", "The price is not a valid decimal number.")
	ErrPrecision     = fault.New(400, "amount_precision", "The price has more decimal places than can be kept exactly.")
	ErrUnit          = fault.New(400, "price_unit_unknown", "The unit is not known, or does not measure this resource.")
	ErrResource      = fault.New(400, "price_resource_unknown", "The resource type is not known.")
	ErrWeight        = fault.New(400, "price_weight_invalid", "The weight is not valid.")
	ErrSchema        = fault.New(400, "price_dimension_invalid", "The declaration of the dimension is not valid.")
	ErrConfig        = fault.New(400, "formula_invalid", "The calculator's configuration is not valid.")
	ErrLimit         = fault.New(400, "formula_limit", "The calculator's configuration is too large.")
	ErrPolicy        = fault.New(400, "discount_invalid", "The discount policy is not valid.")
	ErrSet           = fault.New(404, "not_found", "There is no such rule set.")
	ErrSetKeyTaken   = fault.New(409, "rule_set_key_taken", "Another rule set has this key.").At("ruleSetKey")
	ErrSetDefault    = fault.New(409, "rule_set_default", "The default rule set cannot be deleted or disabled.")
	ErrSetInUse      = fault.New(409, "rule_set_in_use", "The rule set prices base models, platforms or models.")
)

// errPrice tells in which way a decimal is no price.
func errPrice(err error) *fault.Error {
	switch {
	case errors.Is(err, money.ErrPrecision):
		return ErrPrecision.Because(err)
	case errors.Is(err, money.ErrNegative):
		return ErrPrice.Because(err).Saying("The price must not be negative.")
	case errors.Is(err, money.ErrOverflow):
		return ErrPrice.Because(err).Saying("The price is too large.")
	default:
		return ErrPrice.Because(err)
	}
}
