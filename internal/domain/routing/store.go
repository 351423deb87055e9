package routing

import (
	"context"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// Store is what routing asks of storage; for errors see identity.Store. Platforms come with their credentials.
type Store interface {
	tx.Runner
	PlatformStore
	ModelStore
	PolicyStore

	// ConfigVersion is a number that every committed change of configuration raises, on whatever node.
	ConfigVersion(ctx context.Context) (int64, error)
	// ConfigChanged raises it, in the transaction that changes the configuration.
	ConfigChanged(ctx context.Context, t tx.Tx) error
}

// PlatformStore keeps platforms and their credentials.
type PlatformStore interface {
	// PlatformInsert writes the platform and its credentials.
	PlatformInsert(ctx context.Context, t tx.Tx, v *Platform) error
	// PlatformReplace writes every field of the platform but ID, Number and CreatedAt, and makes its credentials equal to
	// v.Credentials: rows with a known ID are kept or updated, others inserted, missing ones deleted.
	PlatformReplace(ctx context.Context, t tx.Tx, v *Platform) error
	// PlatformPrioritySet writes DynamicPriority and UpdatedAt.
	PlatformPrioritySet(ctx context.Context, t tx.Tx, v *Platform) error
	PlatformByID(ctx context.Context, platform id.ID) (Platform, error)
	PlatformList(ctx context.Context) ([]Platform, error)
	// PlatformListOf returns a tenant's platforms.
	PlatformListOf(ctx context.Context, tenant id.ID) ([]Platform, error)
	// PlatformLock returns a tenant's platform as it is, and keeps it and the list of its routes so for others until the
	// transaction ends.
	PlatformLock(ctx context.Context, t tx.Tx, tenant, platform id.ID) (Platform, error)
	// CredentialEnable puts a credential back into rotation, as if no policy had taken it out. Error: fault.ErrNotFound.
	CredentialEnable(ctx context.Context, t tx.Tx, platform, credential id.ID, now time.Time) error
}

// ModelStore keeps platform models, and the rules of model names.
type ModelStore interface {
	ModelInsert(ctx context.Context, t tx.Tx, v *PlatformModel) error
	ModelUpdate(ctx context.Context, t tx.Tx, v *PlatformModel) error
	ModelDelete(ctx context.Context, t tx.Tx, model id.ID) error
	ModelByID(ctx context.Context, model id.ID) (PlatformModel, error)
	// ModelList returns the routes of one platform, or of all when platform is zero.
	ModelList(ctx context.Context, platform id.ID) ([]PlatformModel, error)

	// ModelListOf returns the routes of a tenant's platforms.
	ModelListOf(ctx context.Context, tenant id.ID) ([]PlatformModel, error)

	// ModelRouteInsert's error is fault.ErrConflict when the tenant has a route of the alias.
	ModelRouteInsert(ctx context.Context, t tx.Tx, v *ModelRoute) error
	// ModelRouteUpdate writes Forward, Fallback and UpdatedAt.
	ModelRouteUpdate(ctx context.Context, t tx.Tx, v *ModelRoute) error
	ModelRouteDelete(ctx context.Context, t tx.Tx, route id.ID) error
	// ModelRouteList returns the routes of one tenant, or of all when tenant is zero, by alias.
	ModelRouteList(ctx context.Context, tenant id.ID) ([]ModelRoute, error)
}

// PolicyStore keeps policies, and knows which sets there are.
type PolicyStore interface {
	PolicySetInsert(ctx context.Context, t tx.Tx, v *PolicySet) error
	PolicySetList(ctx context.Context) ([]PolicySet, error)
	// PolicySetByID reads a set for changing it: until the transaction ends nobody else does.
	PolicySetByID(ctx context.Context, t tx.Tx, set id.ID) (PolicySet, error)
	// PolicySetUpdate writes every field but ID, Number, Default and CreatedAt.
	PolicySetUpdate(ctx context.Context, t tx.Tx, v *PolicySet) error
	// PolicySetDelete's error is fault.ErrInvalid when something names the set. What was deleted before lets go of it.
	PolicySetDelete(ctx context.Context, t tx.Tx, set id.ID) error
	// PolicySetUses counts the base models, platforms and platform models that name a set.
	PolicySetUses(ctx context.Context, t tx.Tx, set id.ID) (int64, error)
	RunnerPolicyInsert(ctx context.Context, t tx.Tx, v *RunnerPolicy) error
	// RunnerPolicyUpdate writes every field but ID and CreatedAt.
	RunnerPolicyUpdate(ctx context.Context, t tx.Tx, v *RunnerPolicy) error
	RunnerPolicyGet(ctx context.Context) (RunnerPolicy, error)

	// RuleSetExists and PolicySetExists report whether a set of prices or of policies is there.
	RuleSetExists(ctx context.Context, set id.ID) (bool, error)
	PolicySetExists(ctx context.Context, set id.ID) (bool, error)
}
