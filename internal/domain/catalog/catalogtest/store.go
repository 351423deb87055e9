// Package catalogtest is a storage of the catalogue in memory, for tests.
package catalogtest

import (
	"context"
	"slices"
	"sync"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/testkit/memtx"
)

// Store implements catalog.Store over slices.
type Store struct {
	memtx.Runner
	mu        sync.Mutex
	providers []catalog.Provider
	models    []catalog.BaseModel
	// Sets are the price and policy sets that there are.
	Sets []id.ID
	// Routes are the base models that platforms offer, Platforms the keys of the providers that platforms name.
	Routes    func() []id.ID
	Platforms func() []string
}

// NewStore returns an empty storage.
func NewStore() *Store {
	s := &Store{}
	s.Save = func() func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		providers, models := slices.Clone(s.providers), slices.Clone(s.models)
		return func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.providers, s.models = providers, models
		}
	}
	return s
}

// ProviderInsert implements catalog.Store.
func (s *Store) ProviderInsert(_ context.Context, _ tx.Tx, v *catalog.Provider) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.providers, func(o catalog.Provider) bool { return o.Key == v.Key }) {
		return fault.ErrConflict.At("providerKey")
	}
	v.Number = int64(len(s.providers) + 1)
	s.providers = append(s.providers, *v)
	return nil
}

// ProviderList implements catalog.Store.
func (s *Store) ProviderList(context.Context) ([]catalog.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.providers), nil
}

// BaseModelInsert implements catalog.Store.
func (s *Store) BaseModelInsert(_ context.Context, _ tx.Tx, v *catalog.BaseModel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.models, func(o catalog.BaseModel) bool { return o.CanonicalKey == v.CanonicalKey }) {
		return fault.ErrConflict.At("canonicalModelKey")
	}
	v.Number = int64(len(s.models) + 1)
	s.models = append(s.models, *v)
	return nil
}

// BaseModelList implements catalog.Store.
func (s *Store) BaseModelList(context.Context) ([]catalog.BaseModel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.models), nil
}

func (s *Store) find(match func(catalog.BaseModel) bool) (catalog.BaseModel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.models, match); i >= 0 {
		return s.models[i], nil
	}
	return catalog.BaseModel{}, fault.ErrNotFound
}

// BaseModelByID implements catalog.Store.
func (s *Store) BaseModelByID(_ context.Context, model id.ID) (catalog.BaseModel, error) {
	return s.find(func(m catalog.BaseModel) bool { return m.ID == model })
}

// BaseModelByKey implements catalog.Store.
func (s *Store) BaseModelByKey(_ context.Context, canonicalKey string) (catalog.BaseModel, error) {
	return s.find(func(m catalog.BaseModel) bool { return m.CanonicalKey == canonicalKey })
}

// ProviderUpdate implements catalog.Store.
func (s *Store) ProviderUpdate(_ context.Context, _ tx.Tx, v *catalog.Provider) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.providers, func(o catalog.Provider) bool { return o.Key == v.Key && o.ID != v.ID }) {
		return fault.ErrConflict.At("providerKey")
	}
	return replace(s.providers, *v, func(o catalog.Provider) bool { return o.ID == v.ID })
}

// ProviderDelete implements catalog.Store.
func (s *Store) ProviderDelete(_ context.Context, _ tx.Tx, provider id.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.providers = slices.DeleteFunc(s.providers, func(o catalog.Provider) bool { return o.ID == provider })
	return nil
}

// ProviderLock implements catalog.Store.
func (s *Store) ProviderLock(_ context.Context, _ tx.Tx, provider id.ID) (catalog.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.providers, func(o catalog.Provider) bool { return o.ID == provider }); i >= 0 {
		return s.providers[i], nil
	}
	return catalog.Provider{}, fault.ErrNotFound
}

// ProviderUse implements catalog.Store.
func (s *Store) ProviderUse(_ context.Context, _ tx.Tx, key string) (catalog.Use, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return catalog.Use{
		Models:    slices.ContainsFunc(s.models, func(m catalog.BaseModel) bool { return m.ProviderKey == key }),
		Platforms: s.Platforms != nil && slices.Contains(s.Platforms(), key),
	}, nil
}

// BaseModelUpdate implements catalog.Store.
func (s *Store) BaseModelUpdate(_ context.Context, _ tx.Tx, v *catalog.BaseModel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.models, func(o catalog.BaseModel) bool { return o.CanonicalKey == v.CanonicalKey && o.ID != v.ID }) {
		return fault.ErrConflict.At("canonicalModelKey")
	}
	return replace(s.models, *v, func(o catalog.BaseModel) bool { return o.ID == v.ID })
}

func replace[T any](in []T, v T, is func(T) bool) error {
	i := slices.IndexFunc(in, is)
	if i < 0 {
		return fault.ErrNotFound
	}
	in[i] = v
	return nil
}

// BaseModelDelete implements catalog.Store.
func (s *Store) BaseModelDelete(_ context.Context, _ tx.Tx, model id.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Routes != nil && slices.Contains(s.Routes(), model) {
		return fault.ErrInvalid
	}
	s.models = slices.DeleteFunc(s.models, func(o catalog.BaseModel) bool { return o.ID == model })
	return nil
}

// BaseModelLock implements catalog.Store.
func (s *Store) BaseModelLock(ctx context.Context, _ tx.Tx, model id.ID) ([]catalog.BaseModel, error) {
	all, err := s.BaseModelList(ctx)
	return slices.DeleteFunc(all, func(m catalog.BaseModel) bool { return !model.IsZero() && m.ID != model }), err
}

// RuleSetExists implements catalog.Store.
func (s *Store) RuleSetExists(_ context.Context, set id.ID) (bool, error) {
	return slices.Contains(s.Sets, set), nil
}

// PolicySetExists implements catalog.Store.
func (s *Store) PolicySetExists(_ context.Context, set id.ID) (bool, error) {
	return slices.Contains(s.Sets, set), nil
}
