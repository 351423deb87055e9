package config

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// What a signing secret must have. Source: THREATS, row 3.
const (
	minSecretBytes = 32
	// minEntropyBits is far below what 32 random bytes show and above what words and patterns of that length do.
	minEntropyBits = 100
)

// wellKnown are words from documentation and habit. A random secret holds none of them by chance.
var wellKnown = []string{
	"random_string", "changeme", "change_me", "change-me", "sk-1234", "123456", "secret", "password", "passw0rd",
	"qwerty", "default", "example", "letmein", "your_key", "your-key", "adminadmin",
}

// strongSecret refuses a signing secret that somebody could guess.
func strongSecret(s string) error {
	if len(s) < minSecretBytes {
		return fmt.Errorf("want %d bytes or more; `openssl rand -base64 32` makes them", minSecretBytes)
	}
	if err := notWellKnown(s); err != nil {
		return err
	}
	if isRepetition(s) || entropyBits(s) < minEntropyBits {
		return errors.New("too regular to be a secret; `openssl rand -base64 32` makes one")
	}
	return nil
}

// notWellKnown refuses a text that is built on a word from the list.
func notWellKnown(s string) error {
	lower := strings.ToLower(s)
	for _, word := range wellKnown {
		if strings.Contains(lower, word) {
			return errors.New("built on a word that is on every list, such as changeme or 123456")
		}
	}
	return nil
}

// isRepetition reports whether s is a shorter text written several times.
func isRepetition(s string) bool {
	return s != "" && strings.Contains((s + s)[1:2*len(s)-1], s)
}

// entropyBits is the Shannon entropy of the text's bytes, counted over the whole text.
func entropyBits(s string) int {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(len(s)))
		}
	}
	return int(bits)
}
