// A tree of nodes -> any protobuf message, by reflection: one reader for every source file, so that
// the protos are the schema and every field is told apart by name, file and line.
//
// Keys are field names as in the .proto (snake_case). Enum values go by full or short name in
// either case (OBJECTIVE_BEST_VALUE, best_value). Maps have text as keys. null leaves a field
// absent. Refused, with the field's path: unknown keys (naming the nearest known one), keys given
// twice, two fields of one oneof, wrong types, numbers that are not finite or do not fit.
#ifndef POINTSMAN_INDEX_BUNDLE_PROTO_READER_H_
#define POINTSMAN_INDEX_BUNDLE_PROTO_READER_H_

#include "google/protobuf/message.h"
#include "index/bundle/document.h"
#include "index/bundle/problems.h"

namespace pointsman::bundle {

// Fills `message`, which must be empty, from `node`, reports every problem and records the line of
// each field with `reporter`. Fields with problems stay absent.
void ReadMessage(const TreeNode& node, const Path& path, google::protobuf::Message* message,
                 Reporter* reporter);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_PROTO_READER_H_
