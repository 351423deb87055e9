package app

import (
	"fmt"
)

// keys are the secrets that an installation must never lose (master) or leak (both).
type keys struct {
	master []byte
	jwt    []byte
}

// loadKeys takes the keys from the configuration, or else from the data directory, making them at the first start.
func (a *App) loadKeys() (keys, error) {
	var k keys
	var err error
	if !a.cfg.MasterKey.IsZero() {
		k.master, err = a.cfg.MasterKeyBytes()
	} else {
		k.master, err = a.data.key("master.key")
	}
	if err != nil {
		return k, fmt.Errorf("master key: %w", err)
	}
	if !a.cfg.Auth.JWTSecret.IsZero() {
		k.jwt = []byte(a.cfg.Auth.JWTSecret.Reveal())
		return k, nil
	}
	if k.jwt, err = a.data.key("jwt.key"); err != nil {
		return k, fmt.Errorf("token key: %w", err)
	}
	return k, nil
}
