/* Any octets as a list of recipients: no crash, no leak, what is read is usable and in its limits.
 */
#include <assert.h>
#include <string.h>

#include "sip/resource_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_resource_list list = {0};
	struct sip_uri uri;

	if (sip_resource_list_parse(slice_make((const char *)data, size), &list))
		return 0;
	assert(list.count <= SIP_RESOURCES_MAX);
	for (uint32_t i = 0; i < list.count; i++) {
		assert(sip_uri_parse(slice_of(list.entries[i].uri), &uri) == 0);
		assert(uri.scheme != SIP_SCHEME_OTHER);
		assert(!strpbrk(list.entries[i].display, "\r\n"));
	}
	sip_resource_list_done(&list);
	return 0;
}
