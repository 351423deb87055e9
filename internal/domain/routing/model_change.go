package routing

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// maxModels is how many routes a platform has at most.
const maxModels = 1000

// DeleteModel removes a route. Code: not_found.
func (s *Service) DeleteModel(ctx context.Context, by event.Actor, model id.ID) error {
	return s.Store.InTx(ctx, func(t tx.Tx) error {
		m, err := s.storedModel(ctx, t, by, model)
		if err != nil {
			return err
		}
		if err := s.deleteModelTx(ctx, t, by, &m); err != nil {
			return err
		}
		return s.changedTx(ctx, t)
	})
}

// storedModel is a route whose platform is the actor's tenant's, with the platform locked.
func (s *Service) storedModel(ctx context.Context, t tx.Tx, by event.Actor, model id.ID) (PlatformModel, error) {
	m, err := s.Store.ModelByID(ctx, model)
	if err == nil {
		_, err = s.stored(ctx, t, by, m.PlatformID)
	}
	if errors.Is(err, fault.ErrNotFound) {
		err = ErrModel
	}
	return m, err
}

func (s *Service) deleteModelTx(ctx context.Context, t tx.Tx, by event.Actor, m *PlatformModel) error {
	err := s.Store.ModelDelete(ctx, t, m.ID)
	if errors.Is(err, fault.ErrNotFound) {
		return ErrModel
	}
	if err != nil {
		return err
	}
	return s.announceModelTx(ctx, t, by, "platform_model.deleted", m.ID, viewModel(m), nil)
}

func (s *Service) announceModelTx(ctx context.Context, t tx.Tx, by event.Actor, action string, model id.ID, before, after any) error {
	return s.Bus.Announce(ctx, t, event.Change{
		Actor: by, Category: "platform_model", Action: action, TargetType: "platform_model", TargetID: model.String(),
		TargetTenantID: by.TenantID, Before: before, After: after,
	})
}

// ReplaceModels gives a platform exactly the routes of in, in one step: all or none. A route that is there already, by its
// alias and the upstream's name, keeps its id, and with it its health, its limits and who may use it. Whatever platform in
// names, it is this one. Codes: not_found, and those of CreateModel with the path below models.
func (s *Service) ReplaceModels(ctx context.Context, by event.Actor, platform id.ID, in []NewModel) ([]PlatformModel, error) {
	if len(in) > maxModels {
		return nil, invalid("models", "There are too many models.")
	}
	var next []PlatformModel
	err := s.Store.InTx(ctx, func(t tx.Tx) error {
		p, err := s.stored(ctx, t, by, platform)
		if err != nil {
			return err
		}
		present, err := s.Store.ModelList(ctx, p.ID)
		if err != nil {
			return err
		}
		if next, err = s.models(ctx, &p, in); err != nil {
			return err
		}
		changed, err := s.replaceModelsTx(ctx, t, by, present, next)
		if err != nil || !changed {
			return err
		}
		return s.changedTx(ctx, t)
	})
	return next, err
}

// models makes the rows of a whole list.
func (s *Service) models(ctx context.Context, p *Platform, in []NewModel) ([]PlatformModel, error) {
	out := make([]PlatformModel, 0, len(in))
	for i := range in {
		m, err := s.model(ctx, p, in[i])
		if err == nil && m.isAmong(out) {
			err = invalid("modelAlias", "The list has this model under this alias already.")
		}
		if err != nil {
			return nil, prefixed(indexed("models", i), err)
		}
		out = append(out, m)
	}
	return out, nil
}

// replaceModelsTx writes what differs and reports whether anything did. What next keeps of present is filled in.
func (s *Service) replaceModelsTx(
	ctx context.Context, t tx.Tx, by event.Actor, present, next []PlatformModel,
) (changed bool, err error) {
	for i := range present {
		if !present[i].isAmong(next) {
			if err := s.deleteModelTx(ctx, t, by, &present[i]); err != nil {
				return false, err
			}
			changed = true
		}
	}
	for i := range next {
		wrote, err := s.putModelTx(ctx, t, by, present, &next[i])
		if err != nil {
			return false, prefixed(indexed("models", i), err)
		}
		changed = changed || wrote
	}
	return changed, nil
}

// putModelTx adds a route, or updates the one that is there, and reports whether that wrote anything.
func (s *Service) putModelTx(ctx context.Context, t tx.Tx, by event.Actor, present []PlatformModel, m *PlatformModel) (bool, error) {
	at := slices.IndexFunc(present, m.isSame)
	if at < 0 {
		return true, s.insertModelTx(ctx, t, by, m)
	}
	old := present[at]
	m.ID, m.Number, m.CreatedAt = old.ID, old.Number, old.CreatedAt
	m.Weight, m.CooldownUntil, m.Metadata = old.Weight, old.CooldownUntil, old.Metadata
	updated := m.UpdatedAt
	if m.UpdatedAt = old.UpdatedAt; reflect.DeepEqual(*m, old) {
		return false, nil
	}
	m.UpdatedAt = updated
	if err := s.Store.ModelUpdate(ctx, t, m); err != nil {
		return false, err
	}
	return true, s.announceModelTx(ctx, t, by, "platform_model.updated", m.ID, viewModel(&old), viewModel(m))
}
