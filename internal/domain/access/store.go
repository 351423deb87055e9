package access

import (
	"context"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Store is what access asks of storage. A missing row is fault.ErrNotFound; t may be nil where rows are only read.
type Store interface {
	tx.Runner

	// RuleInsert fills in Number. Error: fault.ErrConflict when the subject has a rule of the effect for the resource with the
	// same TenantID and Own.
	RuleInsert(ctx context.Context, t tx.Tx, v *Rule) error
	// RuleUpdate writes every field but ID, Number, TenantID, Own and CreatedAt. Errors as RuleInsert's.
	RuleUpdate(ctx context.Context, t tx.Tx, v *Rule) error
	RuleDelete(ctx context.Context, t tx.Tx, rule id.ID) error
	// RuleList returns the rules that a query selects, the oldest first.
	RuleList(ctx context.Context, t tx.Tx, q Query) ([]Rule, error)

	// SubjectFind completes what is asked for. Error: fault.ErrNotFound when there is none within the tenant and of the owner
	// that are named.
	SubjectFind(ctx context.Context, t tx.Tx, s Subject) (Subject, error)
	// ResourceExists reports whether there is such a resource.
	ResourceExists(ctx context.Context, t tx.Tx, kind ResourceType, resource id.ID) (bool, error)

	// ConfigChanged raises the version of the configuration, in the transaction that changes it. Until that ends, nobody
	// else changes the configuration.
	ConfigChanged(ctx context.Context, t tx.Tx) error
}

// Query selects rules; zero fields do not restrict.
type Query struct {
	ID     id.ID
	Tenant id.ID
	// SubjectType goes with SubjectID.
	SubjectType SubjectType
	SubjectID   id.ID
	// Owner selects what the owner of keys has made for them.
	Owner id.ID
}

// Subject is somebody whom rules can be about. In a search, zero TenantID and OwnerID do not restrict.
type Subject struct {
	Type     SubjectType
	ID       id.ID
	TenantID id.ID
	OwnerID  id.ID // of a key
}
