// SPDX-License-Identifier: BSD-2-Clause

//go:build tools

// Package gops holds the version of google/gops; nothing of it is compiled in.
package gops

import _ "github.com/google/gops"
