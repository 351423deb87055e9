// Package routingtest is a storage of routing in memory and one adapter, for tests.
package routingtest

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// Store keeps platforms and routes in memory. The embedded interface stands for what its users do not call.
type Store struct {
	routing.Store
	memtx.Runner
	Platforms []routing.Platform
	Models    []routing.PlatformModel
	Routes    []routing.ModelRoute
	Version   int64
	// Sets are the price and policy sets that there are.
	Sets []id.ID
}

// NewStore returns an empty storage.
func NewStore() *Store {
	s := &Store{}
	s.Save = func() func() {
		platforms, models, version := slices.Clone(s.Platforms), slices.Clone(s.Models), s.Version
		routes := slices.Clone(s.Routes)
		return func() { s.Platforms, s.Models, s.Routes, s.Version = platforms, models, routes, version }
	}
	return s
}

// InTx implements routing.Store.
func (s *Store) InTx(ctx context.Context, f func(tx.Tx) error) error { return s.Runner.InTx(ctx, f) }

// PlatformInsert implements routing.Store.
func (s *Store) PlatformInsert(_ context.Context, _ tx.Tx, v *routing.Platform) error {
	if slices.ContainsFunc(s.Platforms, func(o routing.Platform) bool { return o.Key == v.Key }) {
		return fault.ErrConflict
	}
	s.Platforms = append(s.Platforms, *v)
	return nil
}

// PlatformByID implements routing.Store.
func (s *Store) PlatformByID(_ context.Context, platform id.ID) (routing.Platform, error) {
	for _, p := range s.Platforms {
		if p.ID == platform && p.Status != routing.Deleted {
			return p, nil
		}
	}
	return routing.Platform{}, fault.ErrNotFound
}

// ModelInsert implements routing.Store.
func (s *Store) ModelInsert(_ context.Context, _ tx.Tx, v *routing.PlatformModel) error {
	s.Models = append(s.Models, *v)
	return nil
}

// ConfigChanged implements routing.Store.
func (s *Store) ConfigChanged(context.Context, tx.Tx) error { s.Version++; return nil }

// Adapters knows one adapter, "openai", that refuses the key "bad" and the setting "unknown".
type Adapters struct{}

// Lookup implements routing.Adapters.
func (Adapters) Lookup(name string) (routing.AdapterInfo, bool) {
	return routing.AdapterInfo{
		Name: "openai", DefaultBaseURL: "https://api.example/v1", AuthTypes: []string{"bearer", "header"},
		Credential: []routing.AdapterField{{Name: "apiKey", Required: true}, {Name: "region"}, {Name: "serviceAccount"}},
	}, name == "openai"
}

// ErrConfig is what Adapters refuses with.
var ErrConfig = fault.New(400, "provider_config_invalid", "refused")

// Check implements routing.Adapters.
func (Adapters) Check(_, _, _ string, credential map[string]string, config []byte) error {
	if credential["apiKey"] == "bad" {
		return ErrConfig.At("credentials.apiKey")
	}
	if bytes.Contains(config, []byte("unknown")) {
		return ErrConfig.At("config.unknown")
	}
	return nil
}

// PlatformReplace implements routing.Store.
func (s *Store) PlatformReplace(_ context.Context, _ tx.Tx, v *routing.Platform) error {
	for i := range s.Platforms {
		if s.Platforms[i].ID == v.ID {
			s.Platforms[i] = *v
		} else if s.Platforms[i].Key == v.Key {
			return fault.ErrConflict
		}
	}
	return nil
}

// PlatformList implements routing.Store.
func (s *Store) PlatformList(context.Context) ([]routing.Platform, error) {
	deleted := func(p routing.Platform) bool { return p.Status == routing.Deleted }
	return slices.DeleteFunc(slices.Clone(s.Platforms), deleted), nil
}

// ModelDelete implements routing.Store.
func (s *Store) ModelDelete(_ context.Context, _ tx.Tx, model id.ID) error {
	s.Models = slices.DeleteFunc(s.Models, func(m routing.PlatformModel) bool { return m.ID == model })
	return nil
}

// ModelList implements routing.Store.
func (s *Store) ModelList(_ context.Context, platform id.ID) ([]routing.PlatformModel, error) {
	var out []routing.PlatformModel
	for _, m := range s.Models {
		if platform.IsZero() || m.PlatformID == platform {
			out = append(out, m)
		}
	}
	return out, nil
}

// ModelRouteInsert implements routing.Store.
func (s *Store) ModelRouteInsert(_ context.Context, _ tx.Tx, v *routing.ModelRoute) error {
	if slices.ContainsFunc(s.Routes, func(r routing.ModelRoute) bool { return r.Alias == v.Alias && r.TenantID == v.TenantID }) {
		return fault.ErrConflict
	}
	s.Routes = append(s.Routes, *v)
	return nil
}

// ModelRouteUpdate implements routing.Store.
func (s *Store) ModelRouteUpdate(_ context.Context, _ tx.Tx, v *routing.ModelRoute) error {
	for i := range s.Routes {
		if s.Routes[i].ID == v.ID {
			s.Routes[i] = *v
			return nil
		}
	}
	return fault.ErrNotFound
}

// ModelRouteDelete implements routing.Store.
func (s *Store) ModelRouteDelete(_ context.Context, _ tx.Tx, route id.ID) error {
	s.Routes = slices.DeleteFunc(s.Routes, func(r routing.ModelRoute) bool { return r.ID == route })
	return nil
}

// ModelRouteList implements routing.Store.
func (s *Store) ModelRouteList(_ context.Context, tenant id.ID) ([]routing.ModelRoute, error) {
	var out []routing.ModelRoute
	for _, r := range s.Routes {
		if tenant.IsZero() || r.TenantID == tenant {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b routing.ModelRoute) int { return cmp.Compare(a.Alias, b.Alias) })
	return out, nil
}

// PlatformListOf implements routing.Store.
func (s *Store) PlatformListOf(ctx context.Context, tenant id.ID) ([]routing.Platform, error) {
	all, err := s.PlatformList(ctx)
	return slices.DeleteFunc(all, func(p routing.Platform) bool { return p.TenantID != tenant }), err
}

// PlatformLock implements routing.Store.
func (s *Store) PlatformLock(ctx context.Context, _ tx.Tx, tenant, platform id.ID) (routing.Platform, error) {
	p, err := s.PlatformByID(ctx, platform)
	if err == nil && p.TenantID != tenant {
		return routing.Platform{}, fault.ErrNotFound
	}
	return p, err
}

// PlatformPrioritySet implements routing.Store.
func (s *Store) PlatformPrioritySet(_ context.Context, _ tx.Tx, v *routing.Platform) error {
	for i := range s.Platforms {
		if s.Platforms[i].ID == v.ID {
			s.Platforms[i].DynamicPriority, s.Platforms[i].UpdatedAt = v.DynamicPriority, v.UpdatedAt
			return nil
		}
	}
	return fault.ErrNotFound
}

// ModelByID implements routing.Store.
func (s *Store) ModelByID(_ context.Context, model id.ID) (routing.PlatformModel, error) {
	if i := s.modelAt(model); i >= 0 {
		return s.Models[i], nil
	}
	return routing.PlatformModel{}, fault.ErrNotFound
}

// ModelUpdate implements routing.Store.
func (s *Store) ModelUpdate(_ context.Context, _ tx.Tx, v *routing.PlatformModel) error {
	i := s.modelAt(v.ID)
	if i < 0 {
		return fault.ErrNotFound
	}
	s.Models[i] = *v
	return nil
}

func (s *Store) modelAt(model id.ID) int {
	return slices.IndexFunc(s.Models, func(m routing.PlatformModel) bool { return m.ID == model })
}

// ModelListOf implements routing.Store.
func (s *Store) ModelListOf(ctx context.Context, tenant id.ID) ([]routing.PlatformModel, error) {
	var out []routing.PlatformModel
	platforms, err := s.PlatformListOf(ctx, tenant)
	for i := range platforms {
		of, _ := s.ModelList(ctx, platforms[i].ID)
		out = append(out, of...)
	}
	return out, err
}

// RuleSetExists implements routing.Store.
func (s *Store) RuleSetExists(_ context.Context, set id.ID) (bool, error) {
	return slices.Contains(s.Sets, set), nil
}

// PolicySetExists implements routing.Store.
func (s *Store) PolicySetExists(_ context.Context, set id.ID) (bool, error) {
	return slices.Contains(s.Sets, set), nil
}
