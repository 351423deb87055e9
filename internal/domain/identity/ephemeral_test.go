package identity_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

func TestAnEphemeralKeyStandsForAnotherForAWhile(t *testing.T) {
	t.Parallel()
	box, err := secret.NewBox(bytes.Repeat([]byte("k"), secret.KeySize), "realtime")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_000_000, 0)
	clock := func() time.Time { return now }
	holder := identity.Principal{UserID: id.New(), KeyID: id.New()}
	var gone error
	e := identity.NewEphemerals(box, func(_ context.Context, user, key id.ID) (*identity.Principal, error) {
		if user != holder.UserID || key != holder.KeyID {
			t.Errorf("asked for %s, %s", user, key)
		}
		return &holder, gone
	}, clock)
	key, expires, err := e.Make(&holder, 10*time.Minute, []byte(`{"model":"m"}`))
	if err != nil || !strings.HasPrefix(key.Reveal(), "ek_") || !expires.Equal(now.Add(10*time.Minute)) || strings.Contains(key.Reveal(), holder.UserID.String()) {
		t.Fatal(key.Reveal(), expires, err)
	}
	note, err := e.Read(key.Reveal())
	if err != nil || note.UserID != holder.UserID || note.KeyID != holder.KeyID || string(note.Use) != `{"model":"m"}` {
		t.Fatalf("%+v, %v", note, err)
	}
	if p, err := e.Holder(t.Context(), &note); err != nil || p != &holder {
		t.Errorf("%v, %v", p, err)
	}
	gone = identity.ErrKeyDisabled
	if _, err := e.Holder(t.Context(), &note); !errors.Is(err, identity.ErrKeyDisabled) {
		t.Errorf("of a disabled key: %v", err)
	}
	gone, holder.ExpiresAt = nil, now
	if _, err := e.Holder(t.Context(), &note); !errors.Is(err, identity.ErrKeyExpired) {
		t.Errorf("of an expired key: %v", err)
	}
	text := key.Reveal()
	other, _ := secret.NewBox(bytes.Repeat([]byte("k"), secret.KeySize), "credential")
	foreign, _, _ := identity.NewEphemerals(other, nil, clock).Make(&holder, time.Hour, nil)
	for name, bad := range map[string]string{
		"changed": text[:len(text)-2] + "AA", "short": "ek_AAAA", "empty": "ek_", "no base64": "ek_!!", "another purpose": foreign.Reveal(), "no prefix": text[3:],
	} {
		if _, err := e.Read(bad); !errors.Is(err, identity.ErrKeyInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	now = now.Add(10 * time.Minute)
	if _, err := e.Read(text); !errors.Is(err, identity.ErrKeyExpired) {
		t.Errorf("after its end: %v", err)
	}
}
