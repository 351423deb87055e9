package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// taskStatuses are the states as this surface writes them. Source: contracts/INDEX E12.
var taskStatuses = map[string][]tasks.Status{
	"queued": {tasks.Initial, tasks.Queued}, "running": {tasks.Running}, "succeeded": {tasks.Succeeded},
	"failed": {tasks.Failed}, "cancelled": {tasks.Canceled},
}

func showStatus(s tasks.Status) string {
	for name, statuses := range taskStatuses {
		if slices.Contains(statuses, s) {
			return name
		}
	}
	return string(s)
}

func (s *Surface) listTasks(w http.ResponseWriter, call *httpx.Call) error {
	query, err := readTaskQuery(call)
	if err != nil {
		return err
	}
	found, err := s.Tasks.TaskList(call.Context(), query)
	if err != nil {
		return err
	}
	out := api.HttpapiTaskListResponse{
		Items: make([]api.StoreGatewayTask, len(found.Items)), Page: found.Page, PageSize: found.Size, Total: int(found.Total),
	}
	for i := range found.Items {
		found.Items[i].Result = s.renewed(&found.Items[i])
		view, err := showTask(&found.Items[i], call.Principal)
		if err != nil {
			return err
		}
		view.Attempts, view.Billings, view.Route = nil, nil, nil
		out.Items[i] = view
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func readTaskQuery(call *httpx.Call) (tasks.Query, error) {
	q := httpx.QueryOf(call.Request)
	out := tasks.Query{
		User: call.Principal.UserID, Text: q.Text("q", "query"), ModelType: inference.ModelType(q.Text("modelType", "type")),
		Kind: inference.Kind(q.Text("kind")), Model: q.Text("model"), Simulated: q.Bool("simulated"), Page: q.Page(),
	}
	out.From, out.To = q.Range()
	statuses, key := q.Text("status"), q.Text("apiKeyId")
	if err := q.Err(); err != nil {
		return out, err
	}
	for name := range strings.SplitSeq(statuses, ",") {
		known, ok := taskStatuses[strings.TrimSpace(name)]
		if !ok && statuses != "" {
			return out, fault.ErrInvalid.Saying("The status is not known.").At("status")
		}
		out.Statuses = append(out.Statuses, known...)
	}
	var err error
	out.APIKey, err = bodyID("apiKeyId", key)
	return out, err
}

func (s *Surface) getTask(w http.ResponseWriter, call *httpx.Call) error {
	t, err := s.taskOf(call)
	if err != nil {
		return err
	}
	t.Result = s.renewed(&t)
	view, err := showTask(&t, call.Principal)
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, view)
}

// showTask shows a task of the principal's own; a nil principal shows no names of tenant and group.
func showTask(t *tasks.Task, p *identity.Principal) (api.StoreGatewayTask, error) {
	attempts, err := readAttempts(t)
	if err != nil {
		return api.StoreGatewayTask{}, err
	}
	out := api.StoreGatewayTask{
		Id: t.ID.String(), RequestId: t.RequestID, Kind: string(t.Kind), ModelType: string(t.ModelType), RunMode: t.RunMode,
		AsyncMode: t.Async, Stream: t.Stream, Simulated: t.Simulated, Status: showStatus(t.Status),
		Model: t.RequestedModel, RequestedModel: t.RequestedModel, ResolvedModel: t.ResolvedModel, Provider: t.Provider,
		UserId: t.UserID.String(), GatewayUserId: t.UserID.String(), TenantId: t.TenantID.String(),
		GatewayTenantId: t.TenantID.String(), UserGroupId: t.GroupID.String(), ApiKeyId: t.APIKeyID.String(), ApiKeyName: t.APIKeyName, ApiKeyPrefix: t.APIKeyPrefix,
		Error: t.ErrorMessage, ErrorCode: t.ErrorCode, ErrorMessage: t.ErrorMessage, HttpStatus: t.HTTPStatus,
		AttemptCount: t.AttemptCount, Attempts: attempts, Request: object(t.Request), Result: object(t.Result),
		RemoteTaskId: t.RemoteTaskID, RemoteTaskPayload: object(t.RemotePayload), RiverJobId: int(t.JobID),
		TtftMs: milliseconds(t.TTFT), CreatedAt: httpx.Time(t.CreatedAt), UpdatedAt: httpx.Time(t.UpdatedAt),
		FinishedAt: httpx.Time(t.FinishedAt), ResponseFinishedAt: httpx.Time(t.FinishedAt),
	}
	if p != nil {
		out.TenantKey, out.UserGroupKey = p.TenantKey, p.GroupKey
	}
	out.PlatformName = platformOf(&out, t.PlatformModelID.String())
	showTimes(&out, t)
	showUsage(&out, t)
	if out.Route, err = readRoute(t.Route); err != nil {
		return out, err
	}
	return out, showBill(&out, t)
}

func showTimes(out *api.StoreGatewayTask, t *tasks.Task) {
	if t.TTFT > 0 {
		out.ResponseStartedAt = httpx.Time(t.CreatedAt.Add(t.TTFT))
	}
	if !t.FinishedAt.IsZero() {
		out.ResponseDurationMs = int(t.FinishedAt.Sub(t.CreatedAt).Milliseconds())
	}
	metrics := map[string]any{"durationMs": out.ResponseDurationMs}
	if out.TtftMs != nil {
		metrics["ttftMs"] = out.TtftMs
	}
	out.Metrics = marshal(metrics)
}

// milliseconds is nil for what was not measured.
func milliseconds(d time.Duration) *int {
	if d <= 0 {
		return nil
	}
	ms := int(d.Milliseconds())
	return &ms
}

// showUsage lists what was consumed by the names of the resources.
func showUsage(out *api.StoreGatewayTask, t *tasks.Task) {
	if t.Usage.IsZero() {
		return
	}
	in, made := int(t.Usage.InputTokens()), int(t.Usage.OutputTokens())
	out.InputTokens, out.OutputTokens = &in, &made
	usage := map[string]any{"inputTokens": in, "outputTokens": made, "estimated": t.Usage.Estimated}
	for r := range inference.NumResources {
		if n := t.Usage.Quantities[r]; n > 0 {
			usage[r.String()] = n
		}
	}
	out.Usage = marshal(usage)
}

func readAttempts(t *tasks.Task) ([]api.StoreTaskAttempt, error) {
	var attempts []tasks.Attempt
	if len(t.Attempts) > 0 {
		if err := json.Unmarshal(t.Attempts, &attempts); err != nil {
			return nil, fmt.Errorf("attempts of task %s: %w", t.ID, err)
		}
	}
	out := make([]api.StoreTaskAttempt, len(attempts))
	for i := range attempts {
		out[i] = showAttempt(t, &attempts[i])
	}
	return out, nil
}

// platformOf names the platform that served, or was tried last. Of two attempts at once the one that counted may not be the
// last.
func platformOf(out *api.StoreGatewayTask, model string) string {
	name, found := "", false
	for i := range out.Attempts {
		a := &out.Attempts[i]
		if counted := a.PlatformModelId == model; counted || !found {
			name, found = a.PlatformName, found || counted
		}
	}
	return name
}

func showAttempt(t *tasks.Task, a *tasks.Attempt) api.StoreTaskAttempt {
	ended := a.StartedAt.Add(a.Duration)
	out := api.StoreTaskAttempt{
		Id: fmt.Sprintf("%s-%d", t.ID, a.No), TaskId: t.ID.String(), RequestId: a.UpstreamRequestID, AttemptNo: a.No,
		PlatformId: a.PlatformID.String(), PlatformName: a.PlatformName, PlatformModelId: a.PlatformModelID.String(),
		Provider: a.Provider, ModelAlias: a.ModelAlias, ModelName: a.ProviderModelName,
		ProviderModelName: a.ProviderModelName, ModelType: string(t.ModelType), Simulated: a.Simulated,
		Status: showStatus(a.Status), StatusCode: a.StatusCode, Category: string(a.Category), ErrorCode: a.ErrorCode,
		ErrorMessage: a.ErrorMessage, Retryable: a.Retryable, Verdict: a.Verdict, TtftMs: milliseconds(a.TTFT),
		StartedAt: httpx.Time(a.StartedAt), FinishedAt: httpx.Time(ended), ResponseFinishedAt: httpx.Time(ended),
		ResponseDurationMs: int(a.Duration.Milliseconds()), Usage: a.Usage,
	}
	if a.TTFT > 0 {
		out.ResponseStartedAt = httpx.Time(a.StartedAt.Add(a.TTFT))
	}
	return out
}

// readRoute shows how the call was routed; a candidate that no gate removed has passed.
func readRoute(raw json.RawMessage) (*api.GantryTaskRoute, error) {
	if object(raw) == nil || string(raw) == "{}" {
		return nil, nil //nolint:nilnil // no route was taken
	}
	var route api.GantryTaskRoute
	if err := json.Unmarshal(raw, &route); err != nil {
		return nil, fmt.Errorf("route of a task: %w", err)
	}
	route.Candidates = nonNil(route.Candidates)
	for i := range route.Candidates {
		if route.Candidates[i].Gate == "open" {
			route.Candidates[i].Gate = "passed"
		}
	}
	return &route, nil
}

// billingSummary is what the console reads of billingSummary.
type billingSummary struct {
	Amount    money.Number `json:"amount"`
	Text      string       `json:"amountText"`
	Currency  string       `json:"currency"`
	Estimated bool         `json:"estimated"`
	Reason    string       `json:"reason,omitempty"`
	Hold      string       `json:"holdText,omitempty"`
}
