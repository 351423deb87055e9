// Package pricing turns what a call consumed into priced lines. One function prices estimates, holds, settlements and
// trials, so that what is shown is what is charged.
package pricing

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// RuleSet is a named set of rules in one currency.
type RuleSet struct {
	ID          id.ID
	Number      int64
	Key         string // unique
	Name        string
	Description string
	Category    string
	Currency    money.Currency
	Default     bool // serves what names no other set, in its currency; cannot be deleted
	Version     int64
	Status      string
	Metadata    json.RawMessage
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Rules       []Rule
}

// Rule prices one resource.
type Rule struct {
	ID          id.ID
	Number      int64
	RuleSetID   id.ID
	Key         string
	DisplayName string
	ScopeType   string
	ScopeID     string
	Resource    inference.Resource
	Unit        Unit
	// Price is for one natural unit of the resource (a token, an image, a second), whatever Unit it was entered in.
	Price           money.Price
	Currency        money.Currency
	Calculator      string // "unit"; other calculators read Config
	Priority        int64  // among rules for one resource the higher wins
	BaseWeight      json.RawMessage
	DynamicWeight   json.RawMessage
	DimensionSchema json.RawMessage
	Config          json.RawMessage // formulaConfig of the contract
	Status          string
	Metadata        json.RawMessage
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Unit is the unit in which people enter and read a price.
type Unit string

// The units. Source: DESIGN section 9.
const (
	PerToken     Unit = "token"
	Per1K        Unit = "1k_tokens"
	Per1M        Unit = "1m_tokens"
	PerImage     Unit = "image"
	PerSecond    Unit = "second"
	PerCharacter Unit = "character"
	PerRequest   Unit = "request"
)

var unitSizes = map[Unit]int64{
	PerToken: 1, Per1K: 1_000, Per1M: 1_000_000, PerImage: 1, PerSecond: 1, PerCharacter: 1, PerRequest: 1,
}

// Size is how many natural units one unit holds; 0 for an unknown unit.
func (u Unit) Size() int64 { return unitSizes[u] }

// Line is one priced resource of one call. It is stored as it is, and can be computed again from itself alone.
type Line struct {
	Resource  inference.Resource
	Quantity  int64
	Unit      Unit
	Price     money.Price // per natural unit
	Factors   []NamedFactor
	Currency  money.Currency
	Amount    money.Amount
	RuleID    id.ID
	Estimated bool
}

// NamedFactor is a discount or a weight, by the name of what gave it.
type NamedFactor struct {
	Name  string
	Value money.Factor
}

// Store is what pricing asks of storage; for errors see identity.Store. Rule sets come with their rules.
type Store interface {
	tx.Runner
	RuleSetInsert(ctx context.Context, t tx.Tx, v *RuleSet) error
	RuleSetList(ctx context.Context) ([]RuleSet, error)
	RuleSetByID(ctx context.Context, set id.ID) (RuleSet, error)
}
