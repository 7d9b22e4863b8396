(class_declaration name: (identifier) @name body: (_) @body) @definition.class
(record_declaration name: (identifier) @name body: (_) @body) @definition.class
(interface_declaration name: (identifier) @name body: (_) @body) @definition.interface
(annotation_type_declaration name: (identifier) @name body: (_) @body) @definition.interface
(enum_declaration name: (identifier) @name body: (_) @body) @definition.enum
(method_declaration name: (identifier) @name body: (_)? @body) @definition.method
(constructor_declaration name: (identifier) @name body: (_) @body) @definition.method
(compact_constructor_declaration name: (identifier) @name body: (_) @body) @definition.method
(field_declaration declarator: (variable_declarator name: (identifier) @name value: (_)? @body)) @definition.field

(method_invocation name: (identifier) @reference)
(object_creation_expression type: [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(superclass [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(type_list [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(formal_parameter type: [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(field_declaration type: [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(method_declaration type: [(type_identifier) @reference (generic_type (type_identifier) @reference)])
(marker_annotation name: (identifier) @reference)
(annotation name: (identifier) @reference)

(import_declaration (scoped_identifier) @import)

[(line_comment) (block_comment)] @above
