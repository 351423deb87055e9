package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
)

const (
	// early is how long before its end a token is replaced, so that no call is made with one that ends on its way.
	early = 5 * time.Minute
	// patience is how long the token endpoint may take.
	patience = 20 * time.Second
	// maxSources bounds what is remembered of accounts that are not used any more.
	maxSources = 4096
	maxToken   = 64 << 10
)

// Book keeps the tokens of all accounts: accounts are opened anew whenever the configuration changes. The zero value is ready.
// It is safe for concurrent use.
type Book struct {
	// Now is what tokens are dated by; nil means clock.System.
	Now clock.Clock

	mu      sync.Mutex
	sources map[[32]byte]*Source
}

// Source returns the token of an account.
func (b *Book) Source(a *Account) *Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sources == nil || len(b.sources) >= maxSources {
		b.sources = map[[32]byte]*Source{}
	}
	if b.sources[a.ID] == nil {
		now := b.Now
		if now == nil {
			now = clock.System
		}
		b.sources[a.ID] = &Source{account: a, now: now}
	}
	return b.sources[a.ID]
}

// Source is one account's token. It is safe for concurrent use.
type Source struct {
	account *Account
	now     clock.Clock

	mu      sync.Mutex
	token   string
	expires time.Time
	asking  *asking // nil: nobody asks for one
}

// asking is one question to the token endpoint, that any number of calls wait for.
type asking struct {
	done  chan struct{}
	token string
	err   error
}

// Get returns a token. One that is about to end is replaced by whoever comes first, while others still use it.
// Errors: *RefusalError, those of provider.SendError.
func (s *Source) Get(ctx context.Context, t http.RoundTripper) (string, error) {
	s.mu.Lock()
	left := s.expires.Sub(s.now())
	if s.token != "" && (left > early || left > 0 && s.asking != nil) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	a := s.asking
	if a == nil {
		a = &asking{done: make(chan struct{})}
		s.asking = a
		go s.ask(context.WithoutCancel(ctx), t, a) // the answer is for all, whoever leaves
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return "", provider.SendError(ctx, ctx.Err())
	}
}

// Drop forgets a token that was not accepted.
func (s *Source) Drop(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

func (s *Source) ask(ctx context.Context, t http.RoundTripper, a *asking) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := s.now()
	token, life, err := s.account.exchange(ctx, t, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.token, a.err, s.asking = token, err, nil
	if err == nil {
		s.token, s.expires = token, now.Add(life)
	} else if s.expires.After(now) && s.token != "" {
		a.token, a.err = s.token, nil // the one that there is lasts a little longer
	}
	close(a.done)
}

func readToken(status int, body []byte) (string, time.Duration, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // what cannot be read has no token
	valid := answer.AccessToken != "" && !strings.ContainsAny(answer.AccessToken, " \t") && provider.ValidHeader("Authorization", answer.AccessToken)
	if status != http.StatusOK || !valid || answer.ExpiresIn <= 0 {
		return "", 0, &RefusalError{status, provider.CleanCode(answer.Error)}
	}
	return answer.AccessToken, lifeOf(answer.ExpiresIn), nil
}

// longest is the most that a token is believed to last.
const longest = 24 * time.Hour

func lifeOf(seconds int64) time.Duration {
	if seconds >= int64(longest/time.Second) {
		return longest
	}
	return time.Duration(seconds) * time.Second
}
