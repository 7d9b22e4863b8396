(element (start_tag (attribute (attribute_name) @_attribute
  [(attribute_value) @name (quoted_attribute_value (attribute_value) @name)]) (#eq? @_attribute "id")) . (_)? @body) @definition.element
(script_element (start_tag) . (raw_text) @body) @definition.script
(style_element (start_tag) . (raw_text) @body) @definition.style

(attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @import) (#eq? @_attribute "src"))
(element (start_tag (tag_name) @_tag
  (attribute (attribute_name) @_attribute (quoted_attribute_value (attribute_value) @import)))
  (#eq? @_tag "link") (#eq? @_attribute "href"))

(comment) @above
