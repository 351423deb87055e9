package openai

import (
	"encoding/json"
	"time"
)

// PendingResponse is a response that has no answer, or never got one.
type PendingResponse struct {
	ID, Model string
	// Previous is the name of what it continues; "": nothing.
	Previous  string
	Status    string // queued, in_progress, failed or cancelled
	CreatedAt time.Time
	// Code and Message say why it failed; "": it did not.
	Code, Message string
}

// pendingBody is the object of the protocol, with what its clients' types require.
type pendingBody struct {
	ID                string          `json:"id"`
	Object            string          `json:"object"`
	CreatedAt         int64           `json:"created_at"`
	Status            string          `json:"status"`
	Background        bool            `json:"background"`
	Error             *failedResponse `json:"error"`
	IncompleteDetails any             `json:"incomplete_details"`
	Instructions      any             `json:"instructions"`
	Metadata          struct{}        `json:"metadata"`
	Model             string          `json:"model"`
	Output            []any           `json:"output"`
	ParallelToolCalls bool            `json:"parallel_tool_calls"`
	Previous          *string         `json:"previous_response_id"`
	Store             bool            `json:"store"`
	Temperature       any             `json:"temperature"`
	ToolChoice        string          `json:"tool_choice"`
	Tools             []any           `json:"tools"`
	TopP              any             `json:"top_p"`
	Usage             any             `json:"usage"`
}

type failedResponse struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// JSON writes the response. Only what is made apart from its call is ever without an answer, so it says background.
func (p *PendingResponse) JSON() []byte {
	body := pendingBody{
		ID: p.ID, Object: "response", CreatedAt: p.CreatedAt.Unix(), Status: p.Status, Background: true, Model: p.Model,
		Output: []any{}, ParallelToolCalls: true, Store: true, ToolChoice: "auto", Tools: []any{},
	}
	if p.Previous != "" {
		body.Previous = &p.Previous
	}
	if p.Code != "" {
		body.Error = &failedResponse{p.Code, p.Message}
	}
	b, _ := json.Marshal(body) //nolint:errchkjson // texts and numbers
	return b
}
