package bedrock

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	// maxList bounds what is read of a list, maxPages how many of them.
	maxList  = 8 << 20
	maxPages = 50
)

// Models names the foundation models that answer in text and can be called without a profile, and the inference profiles; those
// of Claude alone where Anthropic's messages are spoken.
func (u *upstream) Models(ctx context.Context) ([]string, error) {
	if u.control == nil {
		return nil, &provider.Error{Outcome: provider.Outcome{
			Category: inference.NotFound, Code: "no_control_plane", Message: "The base URL does not tell where models are listed.",
		}}
	}
	var models struct {
		List []struct {
			ID    string   `json:"modelId"`
			Types []string `json:"inferenceTypesSupported"`
		} `json:"modelSummaries"`
	}
	if err := u.list(ctx, "/foundation-models", "byOutputModality=TEXT", &models); err != nil {
		return nil, err
	}
	var out []string
	for _, m := range models.List {
		if slices.Contains(m.Types, "ON_DEMAND") {
			out = append(out, m.ID)
		}
	}
	out, err := u.profiles(ctx, out)
	if _, claude := u.routes[inference.Messages]; claude {
		out = slices.DeleteFunc(out, func(name string) bool { return !strings.Contains(name, "anthropic.") })
	}
	return out, err
}

// profiles appends the inference profiles, page by page.
func (u *upstream) profiles(ctx context.Context, out []string) ([]string, error) {
	next := ""
	for range maxPages {
		var page struct {
			List []struct {
				ID string `json:"inferenceProfileId"`
			} `json:"inferenceProfileSummaries"`
			Next string `json:"nextToken"`
		}
		query := "maxResults=1000"
		if next != "" {
			query += "&nextToken=" + escape(next, "")
		}
		if err := u.list(ctx, "/inference-profiles", query, &page); err != nil {
			return nil, err
		}
		for _, p := range page.List {
			out = append(out, p.ID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	return out, nil
}

// list reads one answer of the control plane. Error: *provider.Error.
func (u *upstream) list(ctx context.Context, path, query string, into any) error {
	req := u.request(http.MethodGet, u.control, (&url.URL{Path: path}).EscapedPath(), query, "application/json", nil)
	resp, err := u.do(req.WithContext(ctx))
	if err != nil {
		return provider.Unreached(ctx)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxList))
	switch {
	case resp.StatusCode != http.StatusOK:
		return &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	case err != nil:
		return provider.Unreached(ctx)
	case json.Unmarshal(body, into) != nil:
		return provider.Unreadable(provider.NoModels)
	}
	return nil
}
