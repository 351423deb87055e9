package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Pricing implements pricing.Store.
type Pricing struct{ *database }

var _ pricing.Store = (*Pricing)(nil)

type ruleSetRow struct {
	bun.BaseModel `bun:"table:pricing_rule_set"`

	Number      int64
	ID          id.ID
	Key         string
	Name        string
	Description string
	Category    string
	Currency    money.Currency
	IsDefault   bool
	Status      string
	Metadata    document
	CreatedAt   stamp
	UpdatedAt   stamp
}

func ruleSetOf(v *pricing.RuleSet) *ruleSetRow {
	return &ruleSetRow{
		Number: v.Number, ID: v.ID, Key: v.Key, Name: v.Name, Description: v.Description, Category: v.Category,
		Currency: v.Currency, IsDefault: v.Default, Status: v.Status, Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r ruleSetRow) value() pricing.RuleSet {
	return pricing.RuleSet{
		ID: r.ID, Number: r.Number, Key: r.Key, Name: r.Name, Description: r.Description, Category: r.Category,
		Currency: r.Currency, Default: r.IsDefault, Status: r.Status, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// versionRow is one version of a set; its rules carry its number.
type versionRow struct {
	bun.BaseModel `bun:"table:pricing_rule_set_version"`

	RuleSetID   id.ID
	Version     int64
	EffectiveAt stamp
	CreatedAt   stamp
}

func (r versionRow) value() versionRow { return r }

// resource is stored by its name.
type resource inference.Resource

// Value implements driver.Valuer.
func (r resource) Value() (driver.Value, error) { return inference.Resource(r).String(), nil }

// Scan implements sql.Scanner.
func (r *resource) Scan(src any) error {
	var name document
	if err := name.Scan(src); err != nil {
		return err
	}
	v, ok := inference.ParseResource(string(name))
	if !ok {
		return fmt.Errorf("store: unknown resource %q", name)
	}
	*r = resource(v)
	return nil
}

type ruleRow struct {
	bun.BaseModel `bun:"table:pricing_rule"`

	Number          int64
	ID              id.ID
	RuleSetID       id.ID
	Version         int64
	Key             string
	DisplayName     string
	ScopeType       string
	ScopeID         string
	Resource        resource
	Unit            pricing.Unit
	Price           money.Price
	Currency        money.Currency
	Calculator      string
	Priority        int64
	BaseWeight      document
	DynamicWeight   document
	DimensionSchema document
	Config          document
	Status          string
	Metadata        document
	CreatedAt       stamp
	UpdatedAt       stamp
}

func ruleOf(v *pricing.Rule, version int64) *ruleRow {
	return &ruleRow{
		Number: v.Number, ID: v.ID, RuleSetID: v.RuleSetID, Version: version, Key: v.Key, DisplayName: v.DisplayName,
		ScopeType: v.ScopeType, ScopeID: v.ScopeID, Resource: resource(v.Resource), Unit: v.Unit, Price: v.Price,
		Currency: v.Currency, Calculator: v.Calculator, Priority: v.Priority, BaseWeight: document(v.BaseWeight),
		DynamicWeight: document(v.DynamicWeight), DimensionSchema: document(v.DimensionSchema),
		Config: document(v.Config), Status: v.Status, Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r ruleRow) value() ruleRow { return r }

func (r ruleRow) rule() pricing.Rule {
	return pricing.Rule{
		ID: r.ID, Number: r.Number, RuleSetID: r.RuleSetID, Key: r.Key, DisplayName: r.DisplayName,
		ScopeType: r.ScopeType, ScopeID: r.ScopeID, Resource: inference.Resource(r.Resource), Unit: r.Unit, Price: r.Price,
		Currency: r.Currency, Calculator: r.Calculator, Priority: r.Priority, BaseWeight: json.RawMessage(r.BaseWeight),
		DynamicWeight: json.RawMessage(r.DynamicWeight), DimensionSchema: json.RawMessage(r.DimensionSchema),
		Config: json.RawMessage(r.Config), Status: r.Status, Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// RuleSetInsert implements pricing.Store; it fills in the rules' RuleSetID and Number too.
func (s *Pricing) RuleSetInsert(ctx context.Context, t tx.Tx, v *pricing.RuleSet) error {
	if err := insertNumbered(ctx, in(t), ruleSetOf(v), &v.Number); err != nil {
		return err
	}
	return s.RuleSetVersionInsert(ctx, t, v)
}

// RuleSetVersionInsert implements pricing.Store.
func (s *Pricing) RuleSetVersionInsert(ctx context.Context, t tx.Tx, v *pricing.RuleSet) error {
	row := &versionRow{RuleSetID: v.ID, Version: v.Version, EffectiveAt: stampOf(v.EffectiveAt), CreatedAt: stampOf(s.clock())}
	if err := insert(ctx, in(t), row); errors.Is(err, fault.ErrConflict) {
		return fault.From(err).At("version")
	} else if err != nil {
		return err
	}
	for i := range v.Rules {
		r := &v.Rules[i]
		r.RuleSetID = v.ID
		if err := insertNumbered(ctx, in(t), ruleOf(r, v.Version), &r.Number); err != nil {
			return err
		}
	}
	return nil
}

// RuleSetUpdate implements pricing.Store.
func (s *Pricing) RuleSetUpdate(ctx context.Context, t tx.Tx, v *pricing.RuleSet) error {
	return update(ctx, in(t), ruleSetOf(v), []string{"id", "currency", "is_default", "created_at"}, "id = ?", v.ID)
}

// RuleSetDelete implements pricing.Store.
func (s *Pricing) RuleSetDelete(ctx context.Context, t tx.Tx, set id.ID) error {
	for _, table := range []string{"base_model", "platform"} {
		q := in(t).NewUpdate().Table(table).Set("pricing_rule_set_id = NULL")
		if _, err := q.Where("pricing_rule_set_id = ? AND status = 'deleted'", set).Exec(ctx); err != nil {
			return failure(err)
		}
	}
	for _, table := range []string{"pricing_rule", "pricing_rule_set_version"} {
		if _, err := in(t).NewDelete().Table(table).Where("rule_set_id = ?", set).Exec(ctx); err != nil {
			return failure(err)
		}
	}
	return touched(in(t).NewDelete().Table("pricing_rule_set").Where("id = ?", set).Exec(ctx))
}

// RuleSetUses implements pricing.Store.
func (s *Pricing) RuleSetUses(ctx context.Context, t tx.Tx, set id.ID) (int64, error) {
	return uses(ctx, t, "pricing_rule_set_id", set)
}

// uses counts the base models, platforms and platform models in which a column names a set.
func uses(ctx context.Context, t tx.Tx, column string, set id.ID) (int64, error) {
	var total int64
	for _, table := range []string{"base_model", "platform", "platform_model"} {
		q := in(t).NewSelect().Table(table).Where("? = ?", bun.Ident(column), set)
		if table != "platform_model" {
			q.Where("status <> 'deleted'")
		}
		n, err := q.Count(ctx)
		if err != nil {
			return 0, failure(err)
		}
		total += n
	}
	return total, nil
}

// RuleSetList implements pricing.Store; the oldest sets come first, in each the oldest versions, as do the rules.
func (s *Pricing) RuleSetList(ctx context.Context) ([]pricing.RuleSet, error) {
	return s.ruleSets(ctx, condition{}, condition{})
}

// RuleSetVersions implements pricing.Store, the oldest first.
func (s *Pricing) RuleSetVersions(ctx context.Context, set id.ID) ([]pricing.RuleSet, error) {
	versions, err := s.ruleSets(ctx, where("id = ?", set), where("rule_set_id = ?", set))
	if err == nil && len(versions) == 0 {
		err = fault.ErrNotFound
	}
	return versions, err
}

// RuleSetsSince implements pricing.Store, in the order of RuleSetList. Saves add up: what has been replaced is left in
// the database.
func (s *Pricing) RuleSetsSince(ctx context.Context, since time.Time) ([]pricing.RuleSet, error) {
	return s.ruleSets(ctx, condition{}, where(`(rule_set_id, version) IN (
		SELECT v.rule_set_id, v.version FROM pricing_rule_set_version AS v WHERE NOT EXISTS (
			SELECT 1 FROM pricing_rule_set_version AS later
			WHERE later.rule_set_id = v.rule_set_id AND COALESCE(later.effective_at, 0) <= ?0
				AND (COALESCE(later.effective_at, 0), later.version) > (COALESCE(v.effective_at, 0), v.version)))`,
		ceilStamp(since)))
}

// RuleSetByID implements pricing.Store.
func (s *Pricing) RuleSetByID(ctx context.Context, set id.ID) (pricing.RuleSet, error) {
	versions, err := s.RuleSetVersions(ctx, set)
	if err != nil {
		return pricing.RuleSet{}, err
	}
	if inForce := pricing.NewBook(versions).InForce(set, s.clock()); inForce != nil {
		return *inForce, nil
	}
	return versions[0], nil
}

// condition narrows a query; the zero value does not.
type condition struct {
	text string
	args []any
}

func where(text string, args ...any) condition { return condition{text, args} }

func (c condition) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if c.text == "" {
		return q
	}
	return q.Where(c.text, c.args...)
}

// ruleSets reads sets, their versions and their rules as of one moment.
func (s *Pricing) ruleSets(ctx context.Context, ofSets, ofVersions condition) ([]pricing.RuleSet, error) {
	var sets []pricing.RuleSet
	var versions []versionRow
	var rules []ruleRow
	err := s.snapshot(ctx, func(db bun.IDB) (err error) {
		sets, err = all[pricing.RuleSet, ruleSetRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return ofSets.apply(q).Order("number")
		})
		if err != nil {
			return err
		}
		versions, err = all[versionRow, versionRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return ofVersions.apply(q).Order("version")
		})
		if err != nil {
			return err
		}
		rules, err = all[ruleRow, ruleRow](ctx, db, func(q *bun.SelectQuery) *bun.SelectQuery {
			return ofVersions.apply(q).Order("number")
		})
		return err
	})
	return versionsOf(sets, versions, rules), err
}

// versionsOf makes one rule set of each version of each set.
func versionsOf(sets []pricing.RuleSet, versions []versionRow, rules []ruleRow) []pricing.RuleSet {
	var out []pricing.RuleSet
	for _, set := range sets {
		for _, v := range versions {
			if v.RuleSetID != set.ID {
				continue
			}
			one := set
			one.Version, one.EffectiveAt = v.Version, v.EffectiveAt.time()
			for _, r := range rules {
				if r.RuleSetID == set.ID && r.Version == v.Version {
					one.Rules = append(one.Rules, r.rule())
				}
			}
			out = append(out, one)
		}
	}
	return out
}
