// Doppel recognises people from one photo each. This header brings all of the library.
#pragma once

#include "doppel/dataset.h"     // IWYU pragma: export
#include "doppel/error.h"       // IWYU pragma: export
#include "doppel/evaluation.h"  // IWYU pragma: export
#include "doppel/gallery.h"     // IWYU pragma: export
#include "doppel/model.h"       // IWYU pragma: export
#include "doppel/photo.h"       // IWYU pragma: export
#include "doppel/threads.h"     // IWYU pragma: export
#include "doppel/training.h"    // IWYU pragma: export
#include "doppel/version.h"     // IWYU pragma: export
