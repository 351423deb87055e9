package routing

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// CatalogRules check the documents of base models with the parsers that read them when routes are compiled.
type CatalogRules struct {
	Params ParamRules // nil: schemas of parameters are only known to be objects
}

var _ catalog.Rules = CatalogRules{}

// CheckBilling implements catalog.Rules.
func (CatalogRules) CheckBilling(raw json.RawMessage) error {
	_, err := pricing.ParseConfig(raw)
	return err
}

// root is the path at which parsers are told that a document stands.
const root = "document"

// CheckRateLimit implements catalog.Rules.
func (CatalogRules) CheckRateLimit(raw json.RawMessage) error {
	_, err := limits.ParseRateLimit(root, raw)
	return inside(err)
}

// CheckRuntimePolicy implements catalog.Rules.
func (CatalogRules) CheckRuntimePolicy(raw json.RawMessage) error {
	return inside(check(root, raw, overrideShape))
}

// CheckParams implements catalog.Rules.
func (r CatalogRules) CheckParams(schema json.RawMessage) error {
	if r.Params == nil {
		return nil
	}
	return r.Params.CheckParams(schema)
}

// inside takes the root off the path that a fault names.
func inside(err error) error {
	f := fault.From(err)
	if f == nil {
		return nil
	}
	return f.At(strings.TrimPrefix(strings.TrimPrefix(f.Path, root), "."))
}

// OnCatalogChanged makes a change of the catalogue one of routes, which draw on it.
func (s *Service) OnCatalogChanged(ctx context.Context, t tx.Tx, _ catalog.Changed) error {
	return s.changedTx(ctx, t)
}
