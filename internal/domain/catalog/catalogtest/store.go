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
