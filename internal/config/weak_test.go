package config_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// withJWTSecret is a valid configuration but for its signing secret.
func withJWTSecret(text string) config.Config {
	c := config.Default()
	c.Auth.JWTSecret = secret.New(text)
	return c
}

func TestWeakSigningSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"from the documentation": "random_string",
		"short":                  "x7Gk2LqP9",
		"long but well known":    "changeme-changeme-changeme-0123456789",
		"sample key":             "sk-1234567890abcdefghijklmnopqrstuv",
		"one character":          strings.Repeat("k", 64),
		"repeated block":         strings.Repeat("8fG2kQzL", 8),
		"words":                  "aaaabbbbccccddddaaaabbbbccccdddde",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := withJWTSecret(text).Validate()
			if err == nil || !strings.Contains(err.Error(), "auth.jwtSecret") {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), text) {
				t.Fatalf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestRandomSigningSecretsAreAccepted(t *testing.T) {
	t.Parallel()
	for range 200 {
		var random [32]byte
		_, _ = rand.Read(random[:])
		for _, text := range []string{base64.StdEncoding.EncodeToString(random[:]), hex.EncodeToString(random[:])} {
			if err := withJWTSecret(text).Validate(); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
}

func TestAdminPassword(t *testing.T) {
	t.Parallel()
	for password, ok := range map[string]bool{"tidal basin 9": true, "七里香七里香天": false, "七里香七里香天空": true, "Password1": false, "short": false} {
		c := config.Default()
		c.Admin = config.Admin{Username: "root", Password: secret.New(password)}
		if err := c.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestMasterKeyBytes(t *testing.T) {
	t.Parallel()
	var random [32]byte
	_, _ = rand.Read(random[:])
	for _, text := range []string{
		hex.EncodeToString(random[:]), base64.StdEncoding.EncodeToString(random[:]), base64.RawURLEncoding.EncodeToString(random[:]),
	} {
		c := config.Default()
		c.MasterKey = secret.New(text)
		got, err := c.MasterKeyBytes()
		if err != nil || string(got) != string(random[:]) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got, err := config.Default().MasterKeyBytes(); got != nil || err != nil {
		t.Errorf("no key set: %v, %v", got, err)
	}
}
