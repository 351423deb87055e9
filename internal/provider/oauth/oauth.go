// Package oauth has the tokens with which adapters sign in whose accounts are no keys: they are asked for at a token endpoint,
// kept for all calls of the account, and replaced before they end.
package oauth

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/provider"
)

// Account is one who gets tokens.
type Account struct {
	// ID tells accounts apart, without their secrets being kept for it.
	ID [32]byte
	// Endpoint is where tokens are asked for.
	Endpoint *url.URL
	// Form is the question, which may prove who asks.
	Form func(now time.Time) (url.Values, error)
}

// RefusalError says that the token endpoint answered and gave no token.
type RefusalError struct {
	Status int
	// Code is OAuth's, such as invalid_client; "" when there was none.
	Code string
}

// Error names the status and OAuth's code.
func (r *RefusalError) Error() string {
	return fmt.Sprintf("oauth: no token: status %d, %s", r.Status, r.Code)
}

// Answer is the refusal as an upstream would say it: the account is at fault (401), or the endpoint is busy (503).
func (r *RefusalError) Answer() (status int, message string) {
	status, message = http.StatusUnauthorized, "The token endpoint does not accept the account"
	if r.Status == http.StatusTooManyRequests || r.Status >= http.StatusInternalServerError {
		status, message = http.StatusServiceUnavailable, "The token endpoint does not answer"
	}
	if r.Code != "" {
		message += ": " + r.Code
	}
	return status, message + "."
}

// exchange asks for a token.
func (a *Account) exchange(ctx context.Context, t http.RoundTripper, now time.Time) (string, time.Duration, error) {
	form, err := a.Form(now)
	if err != nil {
		return "", 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Endpoint.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gantry")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return "", 0, provider.SendError(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	if err != nil {
		return "", 0, provider.SendError(ctx, err)
	}
	return readToken(resp.StatusCode, body)
}
