package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
)

// snapshotKeys are what a default snapshot may say, in the words of ModelInput: all that describes a model, and nothing
// that names it.
var snapshotKeys = []string{
	"baseBillingConfig", "capabilities", "defaultRateLimitPolicy", "displayName", "metadata", "modelAlias", "modelType",
	"pricingRuleSetId", "runtimePolicyOverride", "runtimePolicySetId", "status",
}

func hasSnapshot(m *BaseModel) bool {
	raw := bytes.TrimSpace(m.DefaultSnapshot)
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "{}"
}

// checkSnapshot refuses defaults that the model could not be reset to.
func (e *Editor) checkSnapshot(ctx context.Context, m *BaseModel) error {
	if !hasSnapshot(m) {
		return checkDocument("defaultSnapshot", m.DefaultSnapshot)
	}
	if err := checkSnapshotKeys(m.DefaultSnapshot); err != nil {
		return err
	}
	trial, err := restored(m)
	if err == nil {
		err = e.checkModel(ctx, &trial)
	}
	return prefixed("defaultSnapshot", err)
}

func checkSnapshotKeys(raw json.RawMessage) error {
	if err := checkDocument("defaultSnapshot", raw); err != nil {
		return err
	}
	members, err := readObject("defaultSnapshot", raw)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(snapshotKeys, key) {
			return invalid("defaultSnapshot."+key, "There is no such key.")
		}
	}
	return nil
}

// restored is a model as its snapshot describes it. Prices and policies that the snapshot does not say are empty, because
// they would change what it does say; names, types, metadata and status that it does not say stay.
func restored(m *BaseModel) (BaseModel, error) {
	var in ModelInput
	if err := json.Unmarshal(m.DefaultSnapshot, &in); err != nil {
		return BaseModel{}, invalid("", "A value has the wrong type.")
	}
	out := *m
	out.PricingRuleSetID, out.RuntimePolicySetID = id.ID{}, id.ID{}
	out.Capabilities, out.BaseBillingConfig, out.DefaultRateLimitPolicy, out.RuntimePolicyOverride = nil, nil, nil, nil
	err := in.apply(&out)
	out.CustomizedAt = time.Time{}
	return out, err
}

// ResetModel restores a base model to its default snapshot. Codes: not_found, no_default_snapshot, and those of
// CreateModel when the snapshot names what is not there any more.
func (e *Editor) ResetModel(ctx context.Context, by event.Actor, model id.ID) (BaseModel, error) {
	var next BaseModel
	err := e.Store.InTx(ctx, func(t tx.Tx) error {
		old, err := e.lockModel(ctx, t, model)
		if err != nil {
			return err
		}
		if !hasSnapshot(&old) {
			return ErrNoSnapshot
		}
		next = old
		if _, err := e.resetTx(ctx, t, by, &next); err != nil {
			return err
		}
		return e.Bus.Announce(ctx, t, Changed{})
	})
	return next, err
}

// ResetModels restores every base model that has a default snapshot, all or none, and returns the catalogue's models.
func (e *Editor) ResetModels(ctx context.Context, by event.Actor) ([]BaseModel, error) {
	var models []BaseModel
	err := e.Store.InTx(ctx, func(t tx.Tx) (err error) {
		if models, err = e.Store.BaseModelLock(ctx, t, id.ID{}); err != nil {
			return err
		}
		some := false
		for i := range models {
			if !hasSnapshot(&models[i]) {
				continue
			}
			changed, err := e.resetTx(ctx, t, by, &models[i])
			if err != nil {
				return err
			}
			some = some || changed
		}
		if !some {
			return nil
		}
		return e.Bus.Announce(ctx, t, Changed{})
	})
	return models, err
}

// resetTx restores one model and reports whether that changed anything.
func (e *Editor) resetTx(ctx context.Context, t tx.Tx, by event.Actor, m *BaseModel) (bool, error) {
	next, err := restored(m)
	if err != nil || reflect.DeepEqual(next, *m) {
		return false, prefixed("defaultSnapshot", err)
	}
	if err := e.checkModel(ctx, &next); err != nil {
		return false, prefixed("defaultSnapshot", err)
	}
	if pricesDiffer(m, &next) {
		next.PricingVersion++
	}
	next.UpdatedAt = e.Now()
	if err := e.Store.BaseModelUpdate(ctx, t, &next); err != nil {
		return false, modelFault(err)
	}
	before := viewModel(m)
	*m = next
	return true, e.announceTx(ctx, t, by, change{"reset", "base_model", m.ID, before, viewModel(m)})
}
