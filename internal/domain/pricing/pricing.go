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
	// Version counts the versions of a set, from 1. EffectiveAt is when this one takes effect: zero for at once, and until
	// the next one of the same ID. Calls accepted before keep the version that priced them.
	Version     int64
	EffectiveAt time.Time
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
	Calculator      string // one of kinds; "" is "unit"
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

// Line is one priced resource of one call, or the part of it that lies in one tier. It is stored as it is, and can be
// computed again from itself alone: Amount is Quantity, or Units where a formula gave them, × Price × Factors, rounded
// half up once.
type Line struct {
	Resource inference.Resource
	Quantity int64
	Units    string // exact fraction such as "5/2" of natural units; "" for the quantity itself
	Unit     Unit
	Price    money.Price // per natural unit
	// Basis is why this price, such as "context<=200000" or "audio=true,resolution=1080p"; "" for a plain price.
	Basis     string
	Factors   []NamedFactor // weights and times of the rule, then discounts
	Currency  money.Currency
	Amount    money.Amount
	RuleID    id.ID
	SetID     id.ID // of the rule set, at Version; zero for rules of a billing configuration
	Version   int64
	Estimated bool

	written *written // what is known of its text; nil: nothing
}

// NamedFactor is a discount or a weight, by the name of what gave it.
type NamedFactor struct {
	Name  string
	Value money.Factor
}

// Store is what pricing asks of storage; for errors see identity.Store. Rule sets come with their rules.
type Store interface {
	tx.Runner
	// RuleSetInsert writes a new set with its first version.
	RuleSetInsert(ctx context.Context, t tx.Tx, v *RuleSet) error
	// RuleSetVersionInsert writes one more version of a set: v.Version, EffectiveAt and Rules. Versions are never changed;
	// one that exists is fault.ErrConflict.
	RuleSetVersionInsert(ctx context.Context, t tx.Tx, v *RuleSet) error
	// RuleSetUpdate writes what all versions of a set share: Key, Name, Description, Category, Status, Metadata, UpdatedAt.
	RuleSetUpdate(ctx context.Context, t tx.Tx, v *RuleSet) error
	// RuleSetDelete deletes a set with all its versions; fault.ErrInvalid when something names it. What was deleted before
	// lets go of the set.
	RuleSetDelete(ctx context.Context, t tx.Tx, set id.ID) error
	// RuleSetUses counts the base models, platforms and platform models that name a set.
	RuleSetUses(ctx context.Context, t tx.Tx, set id.ID) (int64, error)
	// RuleSetList returns every version of every set.
	RuleSetList(ctx context.Context) ([]RuleSet, error)
	// RuleSetsSince returns of every set the version that was in force at a moment and all that take effect later, the
	// versions of one set together.
	RuleSetsSince(ctx context.Context, since time.Time) ([]RuleSet, error)
	// RuleSetVersions returns every version of one set.
	RuleSetVersions(ctx context.Context, set id.ID) ([]RuleSet, error)
	// RuleSetByID returns the version that is in force now, or the first one to come.
	RuleSetByID(ctx context.Context, set id.ID) (RuleSet, error)
}
