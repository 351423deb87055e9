package fakegemini

import (
	"net/http"
	"strings"
)

// vertex serves {project}/locations/{location}/publishers/google/models/{model}:{action}, to those who signed in.
func (e *exchange) vertex(rest string) *apiError {
	e.isCloud = true
	parts := strings.SplitN(rest, "/", 7)
	if len(parts) != 7 || parts[1] != "locations" || parts[3] != "publishers" || parts[5] != "models" {
		return notFound("The requested URL was not found on this server.")
	}
	account := e.server.options.Account
	if account == nil || parts[0] != account.Project {
		return &apiError{Code: 403, Status: "PERMISSION_DENIED", Message: "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/projects/" + parts[0] + "'.", Details: reason("IAM_PERMISSION_DENIED")}
	}
	if fault := e.authorizeToken(); fault != nil {
		return fault
	}
	switch parts[4] {
	case "google":
		return e.act(parts[6])
	case "anthropic":
		return e.claude(parts[6])
	}
	return notFound("Publisher Model was not found.")
}

func (e *exchange) authorizeToken() *apiError {
	token, ok := strings.CutPrefix(e.R.Header.Get("Authorization"), "Bearer ")
	if !ok || !e.server.desk.Valid(token, e.server.options.Clock()) {
		return faultErrors["401"]
	}
	return nil
}

// predict serves embeddings as Vertex has them.
func (e *exchange) predict() *apiError {
	raw, fault := decode(e.body)
	if fault != nil {
		return fault
	}
	m, fault := fields(raw, "", "instances", "parameters")
	if fault != nil {
		return fault
	}
	if !e.isCloud || !strings.Contains(e.model, "embedding") {
		return notFound("Publisher Model was not found.")
	}
	dimensions := int64(8)
	if m["parameters"] != nil {
		p, fault := fields(m["parameters"], "parameters", "autoTruncate", "outputDimensionality")
		if fault != nil {
			return fault
		}
		if n, fault := p.whole("outputDimensionality", 1, 3072); fault != nil {
			return fault
		} else if n > 0 {
			dimensions = n
		}
	}
	list, fault := m.list("instances", "")
	if fault != nil || len(list) == 0 {
		return invalid("Empty instances.")
	}
	var out []any
	for i, v := range list {
		instance, fault := fields(v, index("instances", i), "content", "taskType", "title")
		if fault != nil {
			return fault
		}
		text := instance.text("content")
		if text == "" {
			return invalid("The text content is empty.")
		}
		out = append(out, object{"embeddings": object{
			"values": vector(text, dimensions), "statistics": object{"token_count": len(strings.Fields(text)), "truncated": false},
		}})
	}
	if !e.obey(false) {
		writeJSON(e, http.StatusOK, object{"predictions": out})
	}
	return nil
}
