package gateway

import (
	"cmp"
	"context"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// Runtime is what the surface asks of this node's counters and of what policies did.
type Runtime interface {
	// Windows lists the rate-limit windows that hold anything.
	Windows(match func(limits.Scope) bool) []limits.WindowState
	// ModelStatuses returns how the platform models do that requests are routed to, by id.
	ModelStatuses() map[id.ID]relay.ModelStatus
	// WaitingTasks counts the tasks that wait for a worker on any node, by the platform model that they were accepted for.
	WaitingTasks(ctx context.Context) (map[id.ID]int64, error)
	PolicyEventList(ctx context.Context, q routing.EventQuery) (page.Page[routing.PolicyEvent], error)
}

// listWindows shows this node's windows that hold anything, ordered by scope and metric.
func (s *Surface) listWindows(w http.ResponseWriter, call *httpx.Call) error {
	windows := s.Runtime.Windows(nil)
	slices.SortFunc(windows, func(a, b limits.WindowState) int {
		return cmp.Or(cmp.Compare(a.Scope.Kind, b.Scope.Kind), strings.Compare(a.Scope.ID.String(), b.Scope.ID.String()),
			cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Span, b.Span), cmp.Compare(a.Currency, b.Currency))
	})
	out := api.HttpapiRateLimitWindowListResponse{Items: make([]api.StoreRateLimitWindow, len(windows))}
	for i := range windows {
		out.Items[i] = showWindow(&windows[i])
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func showWindow(v *limits.WindowState) api.StoreRateLimitWindow {
	count := func(n int64) money.Number {
		if v.Metric == limits.Amount {
			return money.NumberOf(money.Amount(n), v.Currency)
		}
		return whole(n)
	}
	return api.StoreRateLimitWindow{
		ScopeType: v.Scope.Kind.String(), ScopeKey: v.Scope.ID.String(), Metric: v.Metric.String(),
		WindowSeconds: int(v.Span / time.Second), Currency: string(v.Currency), LimitValue: count(v.Limit),
		UsedValue: count(v.Used), ReservedValue: count(v.Reserved), WindowStart: httpx.Time(v.Start), ResetAt: httpx.Time(v.Reset),
		UpdatedAt: httpx.Time(v.Updated),
	}
}

func whole(n int64) money.Number { return money.Number(strconv.FormatInt(n, 10)) }

// listModelStatuses shows every platform model, with this node's live values for those that requests are routed to and
// the tasks that wait, on all nodes.
func (s *Surface) listModelStatuses(w http.ResponseWriter, call *httpx.Call) error {
	models, err := s.Routing.Models(call.Context(), id.ID{})
	if err != nil {
		return err
	}
	around, err := s.surroundings(call)
	if err != nil {
		return err
	}
	story, err := s.policyStory(call.Context())
	if err != nil {
		return err
	}
	waiting, err := s.Runtime.WaitingTasks(call.Context())
	if err != nil {
		return err
	}
	live := s.Runtime.ModelStatuses()
	out := api.HttpapiModelRateLimitStatusListResponse{Items: make([]api.StoreModelRateLimitStatus, len(models))}
	for i := range models {
		out.Items[i] = around.showModelStatus(&models[i])
		out.Items[i].QueuedTasks = whole(waiting[models[i].ID])
		if status, routed := live[models[i].ID]; routed {
			showLive(&out.Items[i], &status)
			story.tell(&out.Items[i], models[i].PlatformID, &status)
		}
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (w surroundings) showModelStatus(m *routing.PlatformModel) api.StoreModelRateLimitStatus {
	out := api.StoreModelRateLimitStatus{
		PlatformModelId: m.ID.String(), PlatformId: m.PlatformID.String(), ModelName: m.Name, ModelAlias: m.Alias,
		ProviderModelName: m.ProviderModelName, DisplayName: m.DisplayName, ModelType: typeNames(m.Types), Enabled: m.Enabled,
		RateLimitPolicy: object(m.RateLimitPolicy),
	}
	if p := w.platforms[m.PlatformID]; p != nil {
		out.PlatformName, out.Provider, out.PlatformStatus = p.Name, p.Provider, string(p.Status)
		out.PlatformPriority, out.PlatformEffectivePriority = int(p.Priority), int(p.EffectivePriority())
		if p.DynamicPriority != nil {
			out.PlatformDynamicPriority = int(*p.DynamicPriority)
		}
	}
	return out
}

func showLive(out *api.StoreModelRateLimitStatus, s *relay.ModelStatus) {
	out.ModelCooldownUntil, out.PlatformCooldownUntil = httpx.Time(s.Model.Until), httpx.Time(s.Platform.Until)
	out.PlatformEffectivePriority = int(s.Priority)
	out.Concurrent = api.StoreRateLimitMetricStatus{CurrentValue: whole(s.Model.InFlight), ReservedValue: whole(s.Model.InFlight)}
	if s.Rate != nil && s.Rate.Concurrent > 0 {
		full(&out.Concurrent, s.Model.InFlight, s.Rate.Concurrent)
	}
	out.Rpm, out.Tpm = perMinute(s, limits.Requests), perMinute(s, limits.Tokens)
	if s.Room > 0 {
		out.LoadRatio = ratio(s.Busy, s.Room)
	}
}

// perMinute shows the model's window of a minute in one metric; where nothing bounds it, nothing is counted.
func perMinute(s *relay.ModelStatus, m limits.Metric) (out api.StoreRateLimitMetricStatus) {
	if s.Rate == nil {
		return out
	}
	at := slices.IndexFunc(s.Rate.Windows, func(w limits.Window) bool { return w.Metric == m && w.Span == time.Minute })
	if at < 0 {
		return out
	}
	var used, reserved int64
	for i := range s.Windows {
		if w := &s.Windows[i]; w.Metric == m && w.Span == time.Minute {
			used, reserved, out.ResetAt = w.Used, w.Reserved, httpx.Time(w.Reset)
		}
	}
	out.UsedValue, out.ReservedValue, out.CurrentValue = whole(used), whole(reserved), whole(used+reserved)
	full(&out, used+reserved, s.Rate.Windows[at].Limit)
	return out
}

func full(out *api.StoreRateLimitMetricStatus, current, limit int64) {
	out.LimitValue, out.Ratio, out.Limited = whole(limit), ratio(current, limit), current >= limit
}

// ratio is a share to four places.
func ratio(part, of int64) money.Number { return money.Number(big.NewRat(part, of).FloatString(4)) }
