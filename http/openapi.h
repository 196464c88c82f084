/* http/openapi.h -- the description of the API (OpenAPI 3.1.0), made from the routes, the schemas
 * and the problem table. Thread: control. */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/router.h"

void openapi_write(struct buf *out);

/* Whether the description says that `route` may answer with `status`: for the tests, and the
 * description's own use. */
bool openapi_has_status(const struct route *route, uint16_t status);

#endif
