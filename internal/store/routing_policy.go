package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

type policySetRow struct {
	bun.BaseModel `bun:"table:runtime_policy_set"`

	Number            int64
	ID                id.ID
	Key               string
	Name              string
	Description       string
	IsDefault         bool
	Status            string
	RateLimitPolicy   document
	RetryPolicy       document
	DegradePolicy     document
	AutoDisablePolicy document
	Metadata          document
	CreatedAt         stamp
	UpdatedAt         stamp
}

func policySetOf(v *routing.PolicySet) *policySetRow {
	return &policySetRow{
		Number: v.Number, ID: v.ID, Key: v.Key, Name: v.Name, Description: v.Description, IsDefault: v.Default,
		Status: v.Status, RateLimitPolicy: document(v.RateLimitPolicy), RetryPolicy: document(v.RetryPolicy),
		DegradePolicy: document(v.DegradePolicy), AutoDisablePolicy: document(v.AutoDisablePolicy),
		Metadata: document(v.Metadata), CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r policySetRow) value() routing.PolicySet {
	return routing.PolicySet{
		ID: r.ID, Number: r.Number, Key: r.Key, Name: r.Name, Description: r.Description, Default: r.IsDefault,
		Status: r.Status, RateLimitPolicy: json.RawMessage(r.RateLimitPolicy), RetryPolicy: json.RawMessage(r.RetryPolicy),
		DegradePolicy: json.RawMessage(r.DegradePolicy), AutoDisablePolicy: json.RawMessage(r.AutoDisablePolicy),
		Metadata: json.RawMessage(r.Metadata), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// PolicySetInsert implements routing.Store.
func (s *Routing) PolicySetInsert(ctx context.Context, t tx.Tx, v *routing.PolicySet) error {
	return insertNumbered(ctx, in(t), policySetOf(v), &v.Number)
}

// PolicySetList implements routing.Store; the oldest come first.
func (s *Routing) PolicySetList(ctx context.Context) ([]routing.PolicySet, error) {
	return all[routing.PolicySet, policySetRow](ctx, s.reader, byNumber)
}

// PolicySetByID implements routing.Store.
func (s *Routing) PolicySetByID(ctx context.Context, t tx.Tx, set id.ID) (routing.PolicySet, error) {
	var r policySetRow
	q := in(t).NewSelect().Model(&r).Where("id = ?", set)
	if s.engine == postgres {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return routing.PolicySet{}, failure(err)
	}
	return r.value(), nil
}

// PolicySetUpdate implements routing.Store.
func (s *Routing) PolicySetUpdate(ctx context.Context, t tx.Tx, v *routing.PolicySet) error {
	return update(ctx, in(t), policySetOf(v), []string{"id", "is_default", "created_at"}, "id = ?", v.ID)
}

// PolicySetDelete implements routing.Store.
func (s *Routing) PolicySetDelete(ctx context.Context, t tx.Tx, set id.ID) error {
	for _, table := range []string{"base_model", "platform"} {
		q := in(t).NewUpdate().Table(table).Set("runtime_policy_set_id = NULL")
		if _, err := q.Where("runtime_policy_set_id = ? AND status = 'deleted'", set).Exec(ctx); err != nil {
			return failure(err)
		}
	}
	return touched(in(t).NewDelete().Table("runtime_policy_set").Where("id = ?", set).Exec(ctx))
}

// PolicySetUses implements routing.Store.
func (s *Routing) PolicySetUses(ctx context.Context, t tx.Tx, set id.ID) (int64, error) {
	return uses(ctx, t, "runtime_policy_set_id", set)
}

type runnerPolicyRow struct {
	bun.BaseModel `bun:"table:runner_policy"`

	ID                   id.ID
	Key                  string
	Name                 string
	Description          string
	Status               string
	FailoverPolicy       document
	HardStopPolicy       document
	PriorityDemotePolicy document
	Metadata             document
	CreatedAt            stamp
	UpdatedAt            stamp
}

func runnerPolicyOf(v *routing.RunnerPolicy) *runnerPolicyRow {
	return &runnerPolicyRow{
		ID: v.ID, Key: v.Key, Name: v.Name, Description: v.Description, Status: v.Status,
		FailoverPolicy: document(v.FailoverPolicy), HardStopPolicy: document(v.HardStopPolicy),
		PriorityDemotePolicy: document(v.PriorityDemotePolicy), Metadata: document(v.Metadata),
		CreatedAt: stampOf(v.CreatedAt), UpdatedAt: stampOf(v.UpdatedAt),
	}
}

func (r runnerPolicyRow) value() routing.RunnerPolicy {
	return routing.RunnerPolicy{
		ID: r.ID, Key: r.Key, Name: r.Name, Description: r.Description, Status: r.Status,
		FailoverPolicy: json.RawMessage(r.FailoverPolicy), HardStopPolicy: json.RawMessage(r.HardStopPolicy),
		PriorityDemotePolicy: json.RawMessage(r.PriorityDemotePolicy), Metadata: json.RawMessage(r.Metadata),
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// RunnerPolicyInsert implements routing.Store.
func (s *Routing) RunnerPolicyInsert(ctx context.Context, t tx.Tx, v *routing.RunnerPolicy) error {
	return insert(ctx, in(t), runnerPolicyOf(v))
}

// RunnerPolicyUpdate implements routing.Store.
func (s *Routing) RunnerPolicyUpdate(ctx context.Context, t tx.Tx, v *routing.RunnerPolicy) error {
	result, err := in(t).NewUpdate().Model(runnerPolicyOf(v)).ExcludeColumn("id", "created_at").Where("id = ?", v.ID).Exec(ctx)
	return touched(result, err)
}

// RunnerPolicyGet implements routing.Store.
func (s *Routing) RunnerPolicyGet(ctx context.Context) (routing.RunnerPolicy, error) {
	return one[routing.RunnerPolicy, runnerPolicyRow](ctx, s.reader, "TRUE")
}

// ConfigVersion implements routing.Store.
func (s *Routing) ConfigVersion(ctx context.Context) (int64, error) {
	var version int64
	err := s.reader.NewSelect().Table("config_version").Column("version").Scan(ctx, &version)
	return version, failure(err)
}

// ConfigChanged implements routing.Store. The row stays locked until the transaction ends, so a version once seen
// includes every change that raised it.
func (s *Routing) ConfigChanged(ctx context.Context, t tx.Tx) error {
	return touched(in(t).NewUpdate().Table("config_version").Set("version = version + 1").Where("id = 1").Exec(ctx))
}
